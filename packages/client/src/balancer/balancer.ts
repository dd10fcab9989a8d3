/**
 * The port of every balancer. The caller passes the eligible endpoints; the balancer picks one per request and
 * is told the outcome. It does not decide which endpoints are eligible (`routing/eligible.ts`,
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
  /** Endpoints that this request already tried, which must not be picked; few, usually none. */
  readonly exclude: readonly Endpoint[];
  /**
   * The subject of the request (a user, a cache key, a shard), for balancers that send equal keys to the same
   * endpoint; the others ignore it. Any string; hashed once per pick, in time linear in its length.
   */
  readonly key?: string | undefined;
}

/**
 * The outcome of a request, from the view of its endpoint:
 * - `ok`: the endpoint answered, and the answer is no failure of the endpoint;
 * - `failed`: it answered with an error (HTTP 5xx, 429), or did not answer in time;
 * - `unreachable`: no connection, so that nothing was sent;
 * - `broken`: the connection broke before the answer was complete;
 * - `cancelled`: the caller cancelled before the answer came. The latency is a lower bound.
 */
export type OutcomeResult = 'ok' | 'failed' | 'unreachable' | 'broken' | 'cancelled';

/** Read during the call and not kept: the caller may reuse one object. */
export interface Outcome {
  /** Milliseconds, on the clock of `PickContext.now`. */
  readonly now: number;
  /** Milliseconds from the pick to the first sign of an answer (for HTTP: the headers), or to the failure. */
  readonly latencyMs: number;
  readonly result: OutcomeResult;
  /** The load that the endpoint reported with this answer, if any; it counts as measured at `now`. */
  readonly load?: LoadReport | undefined;
  /** For how long the endpoint asked for no requests (`Retry-After`), in milliseconds; 0 or more. */
  readonly retryAfterMs?: number | undefined;
}

/** The figures by which a balancer judges one endpoint, if it uses any. */
export interface EndpointFigures {
  /**
   * Requests that the endpoint gets for each request of an endpoint with 1, while all are equally fast and
   * loaded; 0 or more. When the field is missing, the endpoint's weight; undefined when only loads decide.
   */
  readonly part?: number | undefined;
  /**
   * Latency that the balancer assumes, in milliseconds: an average; with `peakEwma` an average that a peak raises at
   * once.
   */
  readonly latencyMs?: number | undefined;
  /** The endpoint's newest valid load report. */
  readonly report?: { readonly inFlight: number; readonly latencyMs: number; readonly ageMs: number; readonly hot: boolean } | undefined;
}

export interface Balancer {
  /**
   * Replaces the list. The balancer tells endpoints apart by object identity and keeps its knowledge of those
   * that stay. It does not keep the array.
   */
  update(endpoints: readonly Endpoint[]): void;

  /**
   * Chooses an endpoint of the list that is not excluded; undefined when there is none. Synchronous,
   * and free of side effects on the endpoints.
   */
  pick(context: PickContext): Endpoint | undefined;

  /**
   * Takes the outcome of a request to `endpoint`. The caller reports it when the answer began or failed, and
   * again if the connection broke during the answer. The endpoint may have left the list since.
   */
  observe(endpoint: Endpoint, outcome: Outcome): void;

  /**
   * The figures for an endpoint of the list, for display. It changes no state and draws no random number. A
   * balancer without it is assumed to follow weights only.
   * @param key of the request that is explained
   */
  explain?(endpoint: Endpoint, now: number, key?: string): EndpointFigures;
}

/**
 * How a balancer asks endpoints for their load, in addition to the load in their answers. The transport's code
 * provides it; a balancer that can use it works without it, too.
 */
export interface Probing {
  /**
   * Asks one endpoint. The promise always settles, in a second or two at most; undefined when the endpoint
   * reports no load or cannot be reached.
   */
  readonly probe: (endpoint: Endpoint) => Promise<LoadReport | undefined>;
  /** The clock of `PickContext.now`. */
  readonly clock: { monotonic(): number };
}

/** Makes the balancer of one service. */
export type BalancerFactory = (random: RandomSource, probing?: Probing) => Balancer;
