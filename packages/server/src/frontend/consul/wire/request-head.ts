/**
 * Reads the headers that every request needs, in one pass: building the object of all headers would cost more than the rest
 * of a heartbeat. Other headers: `headerOf` of `responses.ts`.
 */

import type { IncomingMessage } from 'node:http';
import { invalid } from './errors.ts';

export interface RequestHead {
  /** From `X-Consul-Token`, or else from `Authorization: Bearer`; empty when there is none. */
  readonly token: string;
  /** `X-Consul-Namespace`; empty when there is none. */
  readonly namespace: string;
  readonly host: string | undefined;
  /** The request comes from a web page: its browser has sent `Origin` or `Sec-Fetch-Site`. */
  readonly fromPage: boolean;
}

/** @throws RegistryError `invalid_argument` for partitions */
export function readHead({ rawHeaders }: IncomingMessage): RequestHead {
  let token: string | undefined;
  let bearer: string | undefined;
  let host: string | undefined;
  let namespace = '';
  let fromPage = false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    // Most names differ in their length already.
    switch (name.length) {
      case 4:
        if (host === undefined && name.toLowerCase() === 'host') host = rawHeaders[at + 1];
        break;
      case 6:
        if (name.toLowerCase() === 'origin') fromPage = true;
        break;
      case 13:
        if (bearer === undefined && name.toLowerCase() === 'authorization') bearer = bearerOf(rawHeaders[at + 1] as string);
        break;
      case 14: {
        const lower = name.toLowerCase();
        if (lower === 'x-consul-token') token ??= rawHeaders[at + 1];
        else if (lower === 'sec-fetch-site') fromPage = true;
        break;
      }
      case 18: {
        const lower = name.toLowerCase();
        if (lower === 'x-consul-namespace') namespace ||= rawHeaders[at + 1] as string;
        else if (lower === 'x-consul-partition' && rawHeaders[at + 1] !== '') throw partitions();
        break;
      }
    }
  }
  return { token: token || bearer || '', namespace, host, fromPage };
}

/** The first word after `Bearer`; undefined for another scheme (RFC 6750 §2.1). */
function bearerOf(value: string): string | undefined {
  return /^\s*bearer\s+(\S+)/i.exec(value)?.[1];
}

function partitions() {
  return invalid('Invalid header: "X-Consul-Partition" - Partitions are a Consul Enterprise feature');
}
