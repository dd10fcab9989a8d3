/**
 * undici's BalancedPool below its RetryAgent, which retries idempotent requests, on another instance when the pool has
 * left one out. A try may take a second.
 */

import { BalancedPool, request, RetryAgent } from 'undici';
import { watchedList } from './watched-list.mjs';

export async function open({ registry }) {
  const pool = new BalancedPool([], { headersTimeout: 1_000, bodyTimeout: 1_000, connectTimeout: 1_000 });
  await watchedList(registry, (origins) => {
    for (const origin of pool.upstreams) if (!origins.includes(origin)) pool.removeUpstream(origin);
    for (const origin of origins) if (!pool.upstreams.includes(origin)) pool.addUpstream(origin);
  });
  const dispatcher = new RetryAgent(pool, {
    maxRetries: 3,
    minTimeout: 10,
    errorCodes: ['ECONNRESET', 'ECONNREFUSED', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'EPIPE'],
  });
  return {
    async ask({ method, timeoutMs }) {
      const { statusCode, body } = await request('http://web.invalid/', { method, dispatcher, signal: AbortSignal.timeout(timeoutMs) });
      await body.dump();
      return statusCode;
    },
  };
}
