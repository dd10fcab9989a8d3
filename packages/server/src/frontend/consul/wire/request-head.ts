/**
 * Reads the headers that every request needs, in one pass: building the object of all headers would cost more than the rest
 * of a heartbeat. Other headers: `headerOf` of `responses.ts`.
 */

import type { IncomingMessage } from 'node:http';
import { bearerIn } from '../../../net/bearer.ts';
import { invalid, quoted } from './errors.ts';

export interface RequestHead {
  /** From `X-Consul-Token`, or else from `Authorization: Bearer`; empty when there is none. */
  readonly token: string;
  /** `X-Consul-Namespace`; empty when there is none. */
  readonly namespace: string;
  readonly host: string | undefined;
  /**
   * `X-Rollcall-Not-Older-Than`: a revision or index that the client has seen, on this node or another one; the answer must
   * not be from before it. 0 when there is none.
   */
  readonly notOlderThan: number;
  /** The request comes from a web page: its browser has sent `Origin` or `Sec-Fetch-Site`. */
  readonly fromPage: boolean;
}

/** @throws RegistryError `invalid_argument` for partitions, and a revision that is no number */
export function readHead({ rawHeaders }: IncomingMessage): RequestHead {
  let token: string | undefined;
  let bearer: string | undefined;
  let host: string | undefined;
  let namespace = '';
  let fromPage = false;
  let notOlderThan = 0;
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
        if (bearer === undefined && name.toLowerCase() === 'authorization') bearer = firstWord(bearerIn(rawHeaders[at + 1] as string));
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
      case 25:
        if (name.toLowerCase() === notOlderHeader) notOlderThan = revisionIn(rawHeaders[at + 1] as string);
        break;
    }
  }
  return { token: token || bearer || '', namespace, host, notOlderThan, fromPage };
}

/** Consul ignores all after a first word (`parseTokenInternal` of `agent/http.go`). */
function firstWord(text: string | undefined): string | undefined {
  return text?.split(/\s/, 1)[0];
}

function partitions() {
  return invalid('Invalid header: "X-Consul-Partition" - Partitions are a Consul Enterprise feature');
}

const notOlderHeader = 'x-rollcall-not-older-than';

function revisionIn(value: string): number {
  const text = value.trim();
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw invalid(`Invalid header: "X-Rollcall-Not-Older-Than" is ${quoted(value)}; it must be a revision, as X-Consul-Index has it`);
}
