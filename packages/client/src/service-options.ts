/**
 * The options of a service with their defaults and ranges, and the parts that are built from them. The
 * defaults: peak EWMA, ejection, retries under a budget and hedges; no limits that only an
 * application can know.
 */

import type { BalancerFactory } from './balancer/balancer.ts';
import { type OptionNames, checkFunction, checkRange, checkKnown } from './option-check.ts';
import type { ConnectionOptions, TlsOptions } from './http/connecting.ts';
import type { Clock } from './clock.ts';
import type { BreakerOptions } from './resilience/breaker.ts';
import type { EjectionOptions } from './resilience/ejection.ts';
import { type ConcurrencyOptions, Gradient2 } from './resilience/gradient2.ts';
import { Hedging, type HedgingOptions } from './resilience/hedging.ts';
import { RetryBudget, type RetryBudgetOptions } from './resilience/retry-budget.ts';
import type { ServiceEvent } from './resilience/service-event.ts';
import type { RoutingOptions } from './routing/routing-options.ts';

export interface ServiceOptions {
  /** Chooses the endpoint. `peakEwma()` by default, which counts a failure as `tryTimeoutMs`. */
  readonly balancer?: BalancerFactory;
  /** Selects the instances among which the balancer chooses. All of them by default. */
  readonly routing?: RoutingOptions;
  /** How long an instance is ejected that does not accept connections or gives bad answers. */
  readonly ejection?: EjectionOptions;
  /**
   * Share of the instances, from 0 to 1, that must be passing or warning. While fewer are, critical ones are used, too.
   * 0 by default: critical ones are not used as long as any instance is ready.
   */
  readonly panicThreshold?: number;
  /** Share of requests that may be retried or hedged. */
  readonly retryBudget?: RetryBudgetOptions;
  /**
   * Most tries of one request, the first included; a whole number, 1 (no retry, no hedge) or more. 3 by default. Tries without
   * a connection, which sent nothing, do not count in the first second, up to ten of them.
   */
  readonly triesMax?: number;
  /**
   * Longest time of one try until the answer's headers, in milliseconds, more than 0; then the next
   * instance is tried. No limit by default, since only the caller knows how long an answer may take.
   */
  readonly tryTimeoutMs?: number;
  /**
   * Time for a whole request of `fetch`, in milliseconds, more than 0; see `TryOptions.timeoutMs`. No limit
   * by default.
   */
  readonly timeoutMs?: number;
  /**
   * When to send a second try of a request to another instance, because the first takes longer than nearly all answers do.
   * Only for requests without a body that may be applied twice. `false` for never.
   */
  readonly hedging?: HedgingOptions | false;
  /** Circuit breakers of instances; none by default, since ejection leaves out those that fail. */
  readonly breaker?: BreakerOptions;
  /** Requests that one instance may have in flight from this client; 1 or more. No limit by default. */
  readonly endpointRequestsMax?: number;
  /** Limit of requests in flight that follows latency; none by default. */
  readonly concurrency?: ConcurrencyOptions;
  /**
   * Longest time that a request waits because an instance answered 503 or 429 with `Retry-After`, in
   * milliseconds, 0 (not at all) or more; 5,000 by default. Only requests that may be applied twice wait; after a 503 only if no
   * other instance is left. If an answer asks for more, the caller gets it.
   */
  readonly retryAfterMaxMs?: number;
  /** Longest time to connect, in milliseconds, more than 0. 2,000 by default: enough for a retransmitted SYN. */
  readonly connectTimeoutMs?: number;
  /** TLS to the instances. By default, instances with a mark in their metadata use it, with Node's authorities. */
  readonly tls?: TlsOptions;
  /** Connections: how many, for how long, HTTP/2. */
  readonly connections?: ConnectionOptions;
  /** Most requests in flight, and so connections; 1 or more. 10,000 by default. */
  readonly requestsMax?: number;
  /** Most bytes of an idempotent request's body kept for a retry; 0 or more. 1 MiB by default. */
  readonly replayBytesMax?: number;
  /** Header whose value is the key of a request that has no other (`TryOptions.hashKey`); none by default. */
  readonly keyHeader?: string;
  /** Whether the route of the service, if the registry has one, replaces these options; true by default. */
  readonly followRoute?: boolean;
  /** Called with decisions about requests, while they run: it should be fast and must not throw. */
  readonly onEvent?: (event: ServiceEvent) => void;
}

export const serviceOptions: OptionNames<ServiceOptions> = {
  balancer: true, routing: true, ejection: true, panicThreshold: true, retryBudget: true, triesMax: true,
  tryTimeoutMs: true, timeoutMs: true, hedging: true, breaker: true, endpointRequestsMax: true,
  concurrency: true, retryAfterMaxMs: true, connectTimeoutMs: true, tls: true, connections: true,
  requestsMax: true, replayBytesMax: true, keyHeader: true, followRoute: true, onEvent: true,
};

/** The options with their defaults, where these are plain values. */
export interface Limits {
  readonly triesMax: number;
  readonly tryTimeoutMs: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly requestsMax: number;
  readonly replayBytesMax: number;
  readonly retryAfterMaxMs: number;
  readonly endpointRequestsMax: number;
  readonly panicThreshold: number;
}

/** @throws RegistryError `invalid_argument` when an option is out of its range */
export function limitsOf(options: ServiceOptions): Limits {
  checkKnown(options, serviceOptions, 'service');
  checkFunction(options.balancer, 'balancer', 'a balancer, such as roundRobin()');
  const limits: Limits = {
    triesMax: options.triesMax ?? 3,
    tryTimeoutMs: options.tryTimeoutMs ?? Infinity,
    timeoutMs: options.timeoutMs ?? Infinity,
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
    requestsMax: options.requestsMax ?? 10_000,
    replayBytesMax: options.replayBytesMax ?? 2 ** 20,
    retryAfterMaxMs: options.retryAfterMaxMs ?? 5_000,
    endpointRequestsMax: options.endpointRequestsMax ?? Infinity,
    panicThreshold: options.panicThreshold ?? 0,
  };
  const { triesMax, connectTimeoutMs, panicThreshold } = limits;
  checkTries(triesMax);
  checkAbove0(limits.tryTimeoutMs, 'tryTimeoutMs');
  checkAbove0(limits.timeoutMs, 'timeoutMs');
  checkRange(connectTimeoutMs > 0 && Number.isFinite(connectTimeoutMs), 'connectTimeoutMs', connectTimeoutMs, 'more than 0');
  checkRange(limits.requestsMax >= 1, 'requestsMax', limits.requestsMax, '1 or more');
  checkRange(limits.retryAfterMaxMs >= 0, 'retryAfterMaxMs', limits.retryAfterMaxMs, '0 or more');
  checkRange(limits.replayBytesMax >= 0, 'replayBytesMax', limits.replayBytesMax, '0 or more');
  checkRange(limits.endpointRequestsMax >= 1, 'endpointRequestsMax', limits.endpointRequestsMax, '1 or more');
  checkRange(panicThreshold >= 0 && panicThreshold <= 1, 'panicThreshold', panicThreshold, 'from 0 to 1');
  return limits;
}

/** What bounds and repeats requests; a part whose options stay the same stays, with what it has counted. */
export class RequestLimits {
  readonly #clock: Clock;
  #retryBudget: RetryBudgetOptions | undefined;
  #budget: RetryBudget;
  #hedgingOptions: HedgingOptions | false | undefined;
  #hedging: Hedging | undefined;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor({ retryBudget, hedging }: ServiceOptions, clock: Clock) {
    this.#clock = clock;
    this.#retryBudget = retryBudget;
    this.#budget = new RetryBudget(retryBudget);
    this.#hedgingOptions = hedging;
    this.#hedging = this.#hedgingOf(hedging);
  }

  /** @throws RegistryError `invalid_argument` when an option is out of its range; then nothing has changed */
  of({ retryBudget, hedging: hedgingOptions }: ServiceOptions): { readonly budget: RetryBudget; readonly hedging: Hedging | undefined } {
    const budget = retryBudget === this.#retryBudget ? this.#budget : new RetryBudget(retryBudget);
    const hedging = hedgingOptions === this.#hedgingOptions ? this.#hedging : this.#hedgingOf(hedgingOptions);
    this.#retryBudget = retryBudget;
    this.#budget = budget;
    this.#hedgingOptions = hedgingOptions;
    this.#hedging = hedging;
    return { budget, hedging };
  }

  #hedgingOf(options: HedgingOptions | false | undefined): Hedging | undefined {
    return options === false ? undefined : new Hedging(this.#clock, options);
  }
}

export function concurrencyOf({ concurrency }: ServiceOptions): Gradient2 | undefined {
  return concurrency && new Gradient2(concurrency);
}

export function checkTries(triesMax: number): void {
  checkRange(Number.isInteger(triesMax) && triesMax >= 1, 'triesMax', triesMax, 'a whole number, 1 or more');
}

export function checkAbove0(value: number, option: string): void {
  checkRange(value > 0, option, value, 'more than 0');
}
