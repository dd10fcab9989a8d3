/** What a handler answers: bytes with a status and headers, or a body that is written in slices. How it is sent: `responses.ts`. */

import type { Work } from '../../../net/turns.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import type { JsonWriter } from './json-writer.ts';

/** An answer whose status or headers say something. */
export interface Shaped {
  readonly status: number;
  readonly body: Buffer;
  readonly type: 'json' | 'text' | 'bytes' | 'streamed';
  /** Names and values, one after the other. */
  readonly headers?: readonly string[];
  /** Part of it was denied, which the audit log wants to know. */
  readonly denied?: boolean;
}

/** An answer of as much as the state holds: its body is written in slices. */
export interface Written {
  readonly type: 'written';
  readonly pretty: boolean;
  /** Writes the body; returns what else there is to say, if anything. */
  readonly write: (state: Frozen, out: JsonWriter) => Work<Aside | void>;
}

/** What an answer says besides its body of JSON, known when that is written. */
export interface Aside {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: readonly string[];
  /** Sent instead of what was written. */
  readonly text?: string;
}

/** The body of a 200, JSON or undefined for an empty one; or more than that. */
export type SentReply = Buffer | undefined | Shaped;

export type Reply = SentReply | Written;

/** The handler has sent its answer itself, to the end. */
export const streamed: Reply = { status: 200, body: Buffer.alloc(0), type: 'streamed' };
