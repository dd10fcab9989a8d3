/** Rollcall's client with nothing configured; by undici's `request`, as the others, or by `fetch` (rollcall-fetch.mjs). */

import { connect } from '@rollcall/client';
import { request } from 'undici';

export async function open({ registry }) {
  const { rollcall, counts } = await openWeb(registry);
  const dispatcher = rollcall.dispatcher();
  return {
    counts,
    async ask({ method, timeoutMs }) {
      const { statusCode, body } = await request('http://web.rollcall/', { method, dispatcher, signal: AbortSignal.timeout(timeoutMs) });
      await body.dump();
      return statusCode;
    },
  };
}

/** A client that knows an instance of the service, and counts its decisions. */
export async function openWeb(registry) {
  const counts = {};
  const rollcall = await connect({ servers: [registry] });
  const web = rollcall.service('web', { onEvent: ({ kind }) => (counts[kind] = (counts[kind] ?? 0) + 1) });
  while ((await web.instances()).length === 0) await new Promise((resume) => setTimeout(resume, 20));
  return { rollcall, web, counts };
}
