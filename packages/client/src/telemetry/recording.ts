/** What the records of a request and of its tries are made of, and where they go. */

import type { Context, Counter, Histogram, Tracer } from '@opentelemetry/api';
import type { Instance } from '@rollcall/protocol';
import type { NamedInstances } from './named-instances.ts';

export interface Instruments {
  /** Tries, by instance. */
  readonly tries: Histogram;
  /** Requests as their caller sees them, over all of their tries. */
  readonly requests: Histogram;
  readonly events: Counter;
}

/** What all requests of a service share. */
export interface Recording {
  readonly service: string;
  readonly tracer: Tracer | undefined;
  readonly instruments: Instruments | undefined;
  readonly named: NamedInstances;
  readonly isSecure: (instance: Instance) => boolean;
}

export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** What was active when it began: tries begin in timers and in callbacks of sockets, where something else is. */
  readonly context: Context;
}
