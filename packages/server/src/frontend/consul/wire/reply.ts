/** The result of a handler: bytes with a status and headers, or a body that is written in slices. `responses.ts` sends it. */

import type { Work } from '../../../net/turns.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import type { JsonWriter } from './json-writer.ts';

/** An answer with a status or headers. */
export interface Shaped {
  readonly status: number;
  readonly body: Buffer;
  readonly type: 'json' | 'text' | 'bytes' | 'streamed';
  /** Names and values, one after the other. */
  readonly headers?: readonly string[];
  /** Part of the request was denied; the audit log records it. */
  readonly denied?: boolean;
}

/** An answer of any length: its body is written in slices. */
export interface Written {
  readonly type: 'written';
  readonly pretty: boolean;
  /** Writes the body; may return a status, headers, or another text. */
  readonly write: (state: Frozen, out: JsonWriter) => Work<Aside | void>;
}

/** Status and headers of an answer that are known only after its body was written. */
export interface Aside {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: readonly string[];
  /** Sent instead of the written body. */
  readonly text?: string;
}

/** The JSON body of a 200, undefined for an empty one; or an answer with a status and headers. */
export type SentReply = Buffer | undefined | Shaped;

export type Reply = SentReply | Written;

/** The handler has sent its answer itself, to the end. */
export const streamed: Reply = { status: 200, body: Buffer.alloc(0), type: 'streamed' };
