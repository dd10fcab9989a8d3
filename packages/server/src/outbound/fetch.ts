/** `fetch` for libraries that are given one: over a new connection to an address that the policy allows, with limits, and without following redirects. */

import { createSecureContext, rootCertificates } from 'node:tls';
import { withTimeLimit } from '@rollcall/protocol';
import type { Resolve } from './address-policy.ts';
import { httpSender, readAll } from './http-request.ts';

/** Answers of these have some kilobytes. */
const bytesMax = 262_144;
const timeoutMs = 5_000;

export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @returns a `fetch` that trusts the well-known authorities and those of `ca`, certificates in PEM; it takes texts as bodies */
export function fetchFrom(resolve: Resolve): (ca: string) => (url: string, init: FetchInit) => Promise<Response> {
  return (ca) => {
    const send = httpSender(resolve, ca === '' ? undefined : createSecureContext({ ca: [...rootCertificates, ca] }));
    return async (url, { method, headers, body, signal }) => {
      const ends = withTimeLimit(timeoutMs, signal);
      const text = body?.toString();
      const { response, request } = await send({ url: new URL(url), method, headers: { ...headers, 'user-agent': 'Rollcall' }, body: text }, ends);
      try {
        const bytes = await readAll(response, bytesMax);
        const given = Object.entries(response.headers).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
        return new Response(bytes.length === 0 ? null : Uint8Array.from(bytes), { status: response.statusCode ?? 500, headers: given });
      } finally {
        request.destroy();
      }
    };
  };
}
