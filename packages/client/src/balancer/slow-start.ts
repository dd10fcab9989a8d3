/**
 * Slow start around any balancer that honours weights: an endpoint that joins gets a part of its
 * weight that grows over a window, so that a cold process (empty caches, code not yet compiled) is
 * not hit by its full share at once. Envoy's formula
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start):
 *
 *     weight × max(leastShare, (max(time since it joined, 1 s) ÷ window)^(1 ÷ aggression))
 *
 * - An endpoint that returns after ejection or a critical status joins again.
 * - The endpoints of the first list (and of one after an empty list) count as warm, since there is no other
 *   endpoint to take the rest of the load.
 * - The window begins with the first pick after the endpoint joined.
 *
 * Balancers that ignore weights (round robin, uniform random, pick first) are not affected; use
 * `weighted-round-robin.ts` with equal weights for a round robin with slow start. Balancers that hash use the
 * registry's weight only: a key that moves ten times in ten seconds costs more than a cold process. When all
 * endpoints are new, each still gets its share of the whole, as in Envoy.
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, EndpointFigures, Outcome, PickContext } from './balancer.ts';
import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';

export interface SlowStartOptions {
  /** Time until a new endpoint has its full weight, in milliseconds; more than 0. 10,000 by default. */
  readonly windowMs?: number;
  /** Form of the growth, more than 0: 1 (by default) is linear, more is quicker at the beginning. */
  readonly aggression?: number;
  /** Part of its weight that an endpoint has at least; more than 0, up to 1. 0.1 by default, as in Envoy. */
  readonly leastShare?: number;
}

const slowStartOptions: OptionNames<SlowStartOptions> = { windowMs: true, aggression: true, leastShare: true };

/** Number of steps in which weights grow per window; each step updates the balancer. */
const stepsPerWindow = 100;

/** The least time in the window, as in Envoy: right at the start the formula would give 0. */
const leastMs = 1000;

/**
 * Wraps `balancer`: the weight of an endpoint that joins grows to its full value over a window.
 * @throws RegistryError `invalid_argument` when an option is out of its range
 */
export function slowStart(balancer: BalancerFactory, options: SlowStartOptions = {}): BalancerFactory {
  checkKnown(options, slowStartOptions, 'slowStart');
  const { windowMs = 10_000, aggression = 1, leastShare = 0.1 } = options;
  checkRange(windowMs > 0 && windowMs < Infinity, 'windowMs', windowMs, 'more than 0');
  checkRange(aggression > 0, 'aggression', aggression, 'more than 0');
  checkRange(leastShare > 0 && leastShare <= 1, 'leastShare', leastShare, 'more than 0 and at most 1');
  return (random, probing) => new SlowStart(balancer(random, probing), windowMs, aggression, leastShare);
}

class SlowStart implements Balancer {
  readonly #inner: Balancer;
  readonly #windowMs: number;
  readonly #aggression: number;
  readonly #leastShare: number;
  #endpoints: readonly Endpoint[] = [];
  /** When the window of each endpoint below its full weight began; NaN before the first pick. */
  readonly #since = new Map<Endpoint, number>();
  /** When weights are raised next. */
  #nextStep = Infinity;

  constructor(inner: Balancer, windowMs: number, aggression: number, leastShare: number) {
    this.#inner = inner;
    this.#windowMs = windowMs;
    this.#aggression = aggression;
    this.#leastShare = leastShare;
  }

  update(endpoints: readonly Endpoint[]): void {
    const before = new Set(this.#endpoints);
    const gone = new Set(before);
    for (const endpoint of endpoints) {
      gone.delete(endpoint);
      if (before.has(endpoint) || before.size === 0) continue;
      this.#since.set(endpoint, NaN);
      endpoint.ramp = this.#shareAt(0);
      this.#nextStep = -Infinity;
    }
    for (const endpoint of gone) this.#end(endpoint);
    this.#endpoints = [...endpoints];
    this.#inner.update(endpoints);
  }

  pick(context: PickContext): Endpoint | undefined {
    if (context.now >= this.#nextStep) this.#step(context.now);
    return this.#inner.pick(context);
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#inner.observe(endpoint, outcome);
  }

  explain(endpoint: Endpoint, now: number, key?: string): EndpointFigures {
    return this.#inner.explain?.(endpoint, now, key) ?? {};
  }

  #step(now: number): void {
    for (const [endpoint, since] of this.#since) {
      const passed = Number.isNaN(since) ? 0 : now - since;
      if (passed >= this.#windowMs) this.#end(endpoint);
      else endpoint.ramp = this.#shareAt(passed);
      if (Number.isNaN(since)) this.#since.set(endpoint, now);
    }
    this.#nextStep = this.#since.size === 0 ? Infinity : now + this.#windowMs / stepsPerWindow;
    this.#inner.update(this.#endpoints);
  }

  #end(endpoint: Endpoint): void {
    this.#since.delete(endpoint);
    endpoint.ramp = 1;
  }

  #shareAt(passedMs: number): number {
    const time = Math.min(1, Math.max(passedMs, leastMs) / this.#windowMs);
    return Math.max(this.#leastShare, time ** (1 / this.#aggression));
  }
}
