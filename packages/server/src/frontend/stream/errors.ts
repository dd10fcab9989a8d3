/** Errors on the stream: the frame that a client gets, and the codes with which a stream ends. */

import { streamLeftCode, type ErrorCode, type ErrorFrame } from '@rollcall/protocol';

export function errorFrame(code: ErrorCode, message: string, id?: number): ErrorFrame {
  return id === undefined ? { type: 'error', code, message } : { type: 'error', id, code, message };
}

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
