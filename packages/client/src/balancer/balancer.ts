/**
 * The port of every balancer: it is told the endpoints that may be chosen, picks one per request,
 * and hears how the request went. It does not decide who may be chosen (`routing/eligible.ts`,
 * `resilience/ejection.ts` do, by what they pass to `update`), does not count requests in flight
 * (the caller does, on the endpoint) and sends nothing.
 *
 * Nothing is allocated per pick: `pick` returns one of the endpoints it was given, and the context
 * is an object that the caller may reuse. Time comes with each call, so that a request reads the
 * clock once, however many balancers are stacked.
 */

import type { Endpoint } from '../endpoint.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { RandomSource } from './seeded-random.ts';

export interface PickContext {
  /** Milliseconds on a clock that never jumps. */
  readonly now: number;
  /** Endpoints not to choose, since this request was tried there; few, mostly none. */
  readonly exclude: readonly Endpoint[];
  /**
   * What the request is about (a user, a cache key, a shard), for balancers that send equal keys to
   * the same endpoint; the others ignore it. Any string; hashed once per pick, in time linear in its length.
   */
  readonly key?: string | undefined;
}

/**
 * How a request went, as far as its endpoint is concerned:
 * - `ok`: it answered, and the answer is not its own failure;
 * - `failed`: it answered that it cannot (HTTP 5xx, 429), or did not answer in time;
 * - `unreachable`: no connection, so that nothing was sent;
 * - `broken`: the connection broke before the answer was complete;
 * - `cancelled`: the caller lost interest before the answer. The latency is a lower bound.
 */
export type OutcomeResult = 'ok' | 'failed' | 'unreachable' | 'broken' | 'cancelled';

/** Read during the call and not kept: the caller may reuse one object. */
export interface Outcome {
  /** Milliseconds, on the clock of `PickContext.now`. */
  readonly now: number;
  /** Milliseconds from the pick to the first sign of an answer (for HTTP: the headers), or to the failure. */
  readonly latencyMs: number;
  readonly result: OutcomeResult;
  /** What the endpoint said of its own load with this answer, if it did; it counts as news as of `now`. */
  readonly load?: LoadReport | undefined;
  /** For how long the endpoint asked to be sent nothing (`Retry-After`), in milliseconds; 0 or more. */
  readonly retryAfterMs?: number | undefined;
}

/** What a balancer goes by for one endpoint, as far as it goes by anything. */
export interface EndpointFigures {
  /**
   * How many requests it gets for each one of an endpoint that has 1, while all are equally quick and full; 0 or more. Its
   * weight when this is missing; undefined when only loads decide.
   */
  readonly part?: number | undefined;
  /** Latency that it is taken to have, in milliseconds: an average, or with `peakEwma` one that peaks raise at once. */
  readonly latencyMs?: number | undefined;
  /** The newest report of its own load that counts. */
  readonly report?: { readonly inFlight: number; readonly latencyMs: number; readonly ageMs: number; readonly hot: boolean } | undefined;
}

export interface Balancer {
  /**
   * Replaces the list. Endpoints are told apart by identity: what the balancer knows about those
   * that stay, it keeps. The array is not kept.
   */
  update(endpoints: readonly Endpoint[]): void;

  /**
   * Chooses an endpoint of the list that is not excluded; undefined when there is none. Synchronous,
   * and free of side effects on the endpoints.
   */
  pick(context: PickContext): Endpoint | undefined;

  /**
   * Hears how a request to `endpoint` went: when its answer began or failed to come, and once more
   * when the connection broke during the answer. The endpoint may have left the list since.
   */
  observe(endpoint: Endpoint, outcome: Outcome): void;

  /**
   * What it goes by for an endpoint of the list, for people. It changes nothing and draws nothing. Without it, the balancer is
   * taken to follow weights and nothing else.
   * @param key of the request in question
   */
  explain?(endpoint: Endpoint, now: number, key?: string): EndpointFigures;
}

/**
 * How a balancer asks endpoints for their load, beside the load in their answers. The code that knows
 * the transport gives it; a balancer that needs it works without, too.
 */
export interface Probing {
  /**
   * Asks one endpoint. The promise always settles, in a second or two at most; undefined when the
   * endpoint has nothing to say, or cannot be reached.
   */
  readonly probe: (endpoint: Endpoint) => Promise<LoadReport | undefined>;
  /** The clock of `PickContext.now`. */
  readonly clock: { monotonic(): number };
}

/** Makes the balancer of one service. */
export type BalancerFactory = (random: RandomSource, probing?: Probing) => Balancer;
