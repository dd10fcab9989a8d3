/** The instruments and attributes with which a request and its tries are recorded. */

import type { Context, Counter, Histogram, Tracer } from '@opentelemetry/api';
import type { Instance } from '@rollcall/protocol';
import type { NamedInstances } from './named-instances.ts';

export interface Instruments {
  /** Tries, by instance. */
  readonly tries: Histogram;
  /** Requests from the view of their caller, over all of their tries. */
  readonly requests: Histogram;
  readonly events: Counter;
}

/** Shared by all requests of a service. */
export interface Recording {
  readonly service: string;
  readonly tracer: Tracer | undefined;
  readonly instruments: Instruments | undefined;
  readonly named: NamedInstances;
  readonly isSecure: (instance: Instance) => boolean;
}

export interface RecordedRequest {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  /**
   * The context that was active when the request began: tries begin in timers and socket callbacks, where another
   * context is active.
   */
  readonly context: Context;
}
