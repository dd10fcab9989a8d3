/**
 * Maps error codes to the statuses of Consul's API. The body is the message as plain text; where Consul has a text, the error
 * is thrown with that text.
 *
 * 500 means that the request may succeed later or elsewhere, and clients depend on that: Consul's lock retries only
 * after a 500, Spring Cloud registers again after a 404 or 500 from a heartbeat, and node-consul ends a
 * watch for good after a 400.
 */

import { type ErrorCode, RegistryError } from '@rollcall/protocol';

const statuses: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 403,
  permission_denied: 403,
  not_found: 404,
  unimplemented: 501,
  failed_precondition: 500,
  already_exists: 400,
  aborted: 500,
  resource_exhausted: 500,
  deadline_exceeded: 500,
  cancelled: 500,
  unavailable: 500,
  unknown_outcome: 500,
  data_loss: 500,
  internal: 500,
};

export function statusOf(code: ErrorCode): number {
  return statuses[code];
}

/** The error for a request that can never succeed: a 400 whose body is `message`. */
export function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

/** A refusal of a whole request, with a status that does not follow from its code. */
export class Refused extends RegistryError {
  readonly status: 400 | 413;

  constructor(status: 400 | 413, message: string) {
    super('invalid_argument', message);
    this.status = status;
  }
}

/** A value from a client for a message: quoted, and shortened to a limit. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text);
}

const quotedMax = 120;
