/** undici's Agent with the instances in turn; it does not retry. */

import { Agent, request } from 'undici';
import { watchedList } from './watched-list.mjs';

export async function open({ registry }) {
  const list = await watchedList(registry);
  const dispatcher = new Agent();
  return {
    async ask({ method, timeoutMs }) {
      const { statusCode, body } = await request(`${list.next()}/`, { method, dispatcher, signal: AbortSignal.timeout(timeoutMs) });
      await body.dump();
      return statusCode;
    },
  };
}
