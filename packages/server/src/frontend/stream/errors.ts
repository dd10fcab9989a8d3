/** Errors on the stream: the frame that a client gets, and the status that metrics count. */

import { streamLeftCode, type ErrorCode, type ErrorFrame } from '@rollcall/protocol';

export function errorFrame(code: ErrorCode, message: string, id?: number): ErrorFrame {
  return id === undefined ? { type: 'error', code, message } : { type: 'error', id, code, message };
}

/** HTTP statuses by code, so that the metric of all front ends can be read alike. */
export const statusByCode: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 412,
  aborted: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  deadline_exceeded: 504,
  cancelled: 499,
  unavailable: 503,
  unknown_outcome: 504,
  unimplemented: 501,
  data_loss: 500,
  internal: 500,
};

/** Close codes of the WebSocket (RFC 6455 §7.4.1; from 4000 on they are the application's own). */
export const closeCodes = {
  goingAway: 1001,
  policy: 1008,
  /** Another stream has resumed this one's session. */
  takenOver: 4001,
  /** The client did not read, or sent no sign of life, for too long. */
  lost: 4002,
  /** The token of the stream was deleted or has ended. */
  tokenGone: 4003,
  /** The client's: it lives, and goes to another server. */
  left: streamLeftCode,
} as const;

/** Why the server ends a stream; also the label of the metric. */
export type CutReason = 'silent' | 'stuck' | 'flooded' | 'not json' | 'no hello' | 'taken over' | 'token gone';
