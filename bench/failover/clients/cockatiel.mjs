/** cockatiel around undici: a time-out of a second for each try, three retries with backoff, a breaker for each instance. */

import { circuitBreaker, ConsecutiveBreaker, ExponentialBackoff, handleAll, retry, timeout, TimeoutStrategy, wrap } from 'cockatiel';
import { Agent, request } from 'undici';
import { watchedList } from './watched-list.mjs';

export async function open({ registry }) {
  const list = await watchedList(registry);
  const dispatcher = new Agent();
  const breakers = new Map();
  const breakerOf = (origin) => {
    let breaker = breakers.get(origin);
    if (breaker === undefined) {
      breaker = wrap(
        circuitBreaker(handleAll, { halfOpenAfter: 2_000, breaker: new ConsecutiveBreaker(3) }),
        timeout(1_000, TimeoutStrategy.Aggressive),
      );
      breakers.set(origin, breaker);
    }
    return breaker;
  };
  const retries = retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff({ initialDelay: 10 }) });
  return {
    async ask({ method, timeoutMs }) {
      const overall = AbortSignal.timeout(timeoutMs);
      const once = () => {
        const origin = list.next();
        return breakerOf(origin).execute(async ({ signal }) => {
          const { statusCode, body } = await request(`${origin}/`, { method, dispatcher, signal: AbortSignal.any([signal, overall]) });
          await body.dump();
          if (statusCode >= 500) throw new Error(`status ${statusCode}`);
          return statusCode;
        });
      };
      return method === 'GET' ? await retries.execute(once) : await once();
    },
  };
}
