/** Rollcall's client with nothing configured, by `fetch` of the service. */

import { openWeb } from './rollcall.mjs';

export async function open({ registry }) {
  const { web, counts } = await openWeb(registry);
  return {
    counts,
    async ask({ method, timeoutMs }) {
      const response = await web.fetch('/', { method, signal: AbortSignal.timeout(timeoutMs) });
      await response.text();
      return response.status;
    },
  };
}
