/**
 * Why each instance of a service is or is not chosen now, as data. The parts that decide give their own reasons
 * without changing anything; this file decides nothing.
 */

import type { Instance } from '@rollcall/protocol';
import type { EndpointFigures } from '../balancer/balancer.ts';
import type { GroupExplanation, Standing } from '../routing/explain-routing.ts';
import type { Reason } from '../routing/reason.ts';
import type { ListOrigin } from '../source/snapshot-source.ts';

export interface InstanceExplanation {
  readonly instance: Instance;
  readonly standing: Standing;
  /** Empty for one that is eligible. */
  readonly reasons: readonly Reason[];
  /** The part of its weight that slow start gives it, more than 0, up to 1; as of the last pick. */
  readonly ramp: number;
  /** Share of the service's next requests while endpoints are equally fast and loaded; undefined when loads decide. */
  readonly share: number | undefined;
  /** Requests of this client: those in flight, and those in flight whose answer has begun. */
  readonly inFlight: number;
  readonly answering: number;
  readonly latencyMs: number | undefined;
  readonly report: EndpointFigures['report'];
}

/** What the route of the service decides. */
export interface ExplainedRoute {
  /** Of the route in use; undefined when there is none, since the newest one was refused. */
  readonly revision: number | undefined;
  /** The options that it replaces; all others are the program's. */
  readonly words: readonly string[];
  /** A newer route that this client does not understand. */
  readonly refused: { readonly revision: number; readonly reason: string } | undefined;
}

export interface Explanation {
  readonly service: string;
  /** The list of instances; undefined before the first one is known. */
  readonly list:
    | { readonly origin: ListOrigin | undefined; readonly revision: number; readonly stale: boolean; readonly ageMs: number }
    | undefined;
  /** Undefined while the service has no route, or this client follows none. */
  readonly route: ExplainedRoute | undefined;
  readonly groups: readonly GroupExplanation[];
  readonly instances: readonly InstanceExplanation[];
  /** Requests in flight, those in flight whose answer has begun, and the limit. */
  readonly requests: { readonly inFlight: number; readonly answering: number; readonly max: number };
  /** The limit that follows latency; undefined without the option `concurrency`. */
  readonly concurrencyMax: number | undefined;
  /** Retries that can be made now. */
  readonly retriesLeft: number;
  /** Undefined when requests are not hedged. */
  readonly hedging:
    | {
        /** A hedge is sent after this time without an answer. */
        readonly delayMs: number;
        /** Hedges that can be sent now. */
        readonly left: number;
        /** Total time for which this process was held up while requests waited; it does not count for hedges. */
        readonly heldUpMs: number;
      }
    | undefined;
}

export interface ExplainOptions {
  /** The key of the request, as for `pick`. */
  readonly key?: string;
  /** Headers of the request, for a canary that is chosen by a header. */
  readonly headers?: Readonly<Record<string, string>>;
}
