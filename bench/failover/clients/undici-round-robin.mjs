/** undici's Agent, the instances taken in turn; nothing is tried again. */

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
