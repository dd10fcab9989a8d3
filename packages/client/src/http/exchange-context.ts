/** The inputs of an exchange: those that all requests of a service share, and those of one request. */

import type { Clock } from '../clock.ts';
import type { Deadline } from '../resilience/deadline.ts';
import type { Gradient2 } from '../resilience/gradient2.ts';
import type { Hedging } from '../resilience/hedging.ts';
import type { RetryBudget } from '../resilience/retry-budget.ts';
import type { ServiceEvent } from '../resilience/service-event.ts';
import type { EndpointChooser } from '../routing/router.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { EndpointPools } from './endpoint-pools.ts';

/** Shared by all requests of a service. */
export interface ExchangeContext {
  readonly service: string;
  readonly picker: EndpointChooser;
  readonly pools: EndpointPools;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  /** Counts of requests that have begun and not ended, and of those whose answer has begun, with the limit. */
  readonly requests: { current: number; answering: number; max: number };
  /** Tries of one request, the first included; 1 or more. */
  readonly triesMax: number;
  /** Longest a try may take from the pick to the answer's headers, in milliseconds; Infinity for no limit. */
  readonly tryTimeoutMs: number;
  /** Longest wait for an endpoint that said `Retry-After`, in milliseconds. */
  readonly retryAfterMaxMs: number;
  /** Most bytes of a body kept for a retry. */
  readonly replayBytesMax: number;
  /** Header whose value is the key of a request that has no other, in lower case; undefined: none. */
  readonly keyHeader?: string | undefined;
  /** Undefined: requests are not hedged. */
  readonly hedging?: Hedging | undefined;
  /** Undefined: only `requests.max` limits requests. */
  readonly concurrency?: Gradient2 | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Called with every decision. */
  readonly onEvent?: ((event: ServiceEvent) => void) | undefined;
}

/** Options of a single request. */
export interface ExchangeOptions {
  /** The key of the request, for balancers that hash. */
  readonly hashKey?: string | undefined;
  /** When the last byte of its answer must have come. */
  readonly deadline?: Deadline | undefined;
  /** Set while no list of instances is known. */
  readonly wait?: ListWait | undefined;
  /** The rules when the list is there: those of a route come with it. Set beside `wait`. */
  readonly afterWait?: (() => RulesNow) | undefined;
  /** Whether the request may be sent twice; overrides the rule of its method. */
  readonly idempotent?: boolean | undefined;
  /** False: this request is not hedged. */
  readonly hedging?: boolean | undefined;
  /** Overrides the setting of the service. */
  readonly triesMax?: number | undefined;
  /** Overrides the setting of the service. */
  readonly tryTimeoutMs?: number | undefined;
}

/** The rules of requests that begin now. */
export interface RulesNow {
  readonly context: ExchangeContext;
  /** Time for a whole request in milliseconds; Infinity for no limit. */
  readonly timeoutMs: number;
}

/**
 * Waits for the first list of instances.
 * @param begin called once: without an argument when the list is known (at once if it already is), or with the reason
 *   why none will come
 * @returns a function that ends the wait; idempotent
 */
export type ListWait = (begin: (failure?: Error) => void) => () => void;
