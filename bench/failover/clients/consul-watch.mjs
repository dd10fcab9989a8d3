/** The usual glue over npm `consul`: the watched list in turn, a second for each try, idempotent requests up to three times. */

import { Agent, request } from 'undici';
import { watchedList } from './watched-list.mjs';

const triesMax = 3;

export async function open({ registry }) {
  const list = await watchedList(registry);
  const dispatcher = new Agent({ headersTimeout: 1_000, bodyTimeout: 1_000, connectTimeout: 1_000 });
  return {
    async ask({ method, timeoutMs }) {
      const signal = AbortSignal.timeout(timeoutMs);
      for (let tries = 1; ; tries++) {
        try {
          const { statusCode, body } = await request(`${list.next()}/`, { method, dispatcher, signal });
          await body.dump();
          if (statusCode < 500 || tries === triesMax) return statusCode;
        } catch (error) {
          if (tries === triesMax || method !== 'GET' || signal.aborted) throw error;
        }
      }
    },
  };
}
