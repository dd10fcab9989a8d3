/**
 * The picker of one service: it combines the registry's list with what this client itself learned, and returns the
 * endpoint for the next request.
 *
 *     snapshot → endpoints (identity kept) → eligible by status → reachable → not ejected → balancer
 *
 * The filters run when something changes, so that a pick is one call of the balancer.
 */

import type { Instance } from '@rollcall/protocol';
import { type Endpoint, isReady, reconcile } from '../endpoint.ts';
import type { ExplainedEndpoint, ExplainedPicker } from './explain-routing.ts';
import type { Reason } from './reason.ts';
import { Ejection, type EjectionListener, type EjectionOptions } from '../resilience/ejection.ts';
import { type Reach, Reachability } from '../resilience/reachability.ts';
import type { Balancer, BalancerFactory, Outcome } from '../balancer/balancer.ts';
import { type Eligible, eligible, reasonAgainst } from './eligible.ts';
import type { RandomSource } from '../balancer/seeded-random.ts';
import { relativeWeights } from '../balancer/weights.ts';

const none: readonly Endpoint[] = [];

/** The parts of a picker that may change while it is in use. */
export interface PickerSettings {
  readonly balancer: BalancerFactory;
  readonly ejection: EjectionOptions;
  readonly panicThreshold: number;
}

export class Picker {
  readonly #random: RandomSource;
  readonly #onEject: EjectionListener;
  readonly #reach: Reach | undefined;
  #balancer: Balancer;
  #ejection: Ejection;
  #reachability: Reachability;
  #leavesOut: boolean;
  #panicThreshold: number;
  #known: ReadonlyMap<string, Endpoint> = new Map();
  #eligible: readonly Endpoint[] = none;
  #rule: Eligible['rule'] = 'none';
  /** Endpoints that accept connections; all eligible ones when none does. */
  #reachable: readonly Endpoint[] = none;
  #ready = 0;
  #changes = 0;
  /** Position where `any` continues. */
  #turn = 0;
  /** Reused by every pick. */
  readonly #context: { now: number; exclude: readonly Endpoint[]; key: string | undefined } = {
    ...{ now: 0, exclude: none, key: undefined },
  };

  /**
   * @param panicThreshold see `eligible`
   * @param reach checks endpoints that refused a connection; without it, requests test them
   */
  constructor(
    balancer: BalancerFactory,
    ejection: EjectionOptions,
    random: RandomSource,
    panicThreshold = 0,
    onEject: EjectionListener = () => {},
    reach?: Reach,
  ) {
    this.#random = random;
    this.#onEject = onEject;
    this.#reach = reach;
    this.#balancer = balancer(random);
    this.#ejection = new Ejection(ejection, onEject);
    this.#reachability = reachabilityOf(ejection, reach);
    this.#leavesOut = ejection.unreachable ?? true;
    this.#panicThreshold = panicThreshold;
  }

  /**
   * Takes over the settings that are given, from the next `update` on. A setting that is not given stays, with what was learned by it.
   * @throws RegistryError `invalid_argument` for an option of `ejection` that is out of its range
   */
  configure({ balancer, ejection, panicThreshold }: Partial<PickerSettings>): void {
    if (ejection !== undefined) {
      this.#ejection = new Ejection(ejection, this.#onEject);
      this.#reachability = reachabilityOf(ejection, this.#reach);
      this.#leavesOut = ejection.unreachable ?? true;
    }
    if (balancer !== undefined) {
      this.#balancer = balancer(this.#random);
      for (const endpoint of this.#known.values()) endpoint.ramp = 1;
    }
    this.#panicThreshold = panicThreshold ?? this.#panicThreshold;
  }

  /** Endpoints of the list, by the identity of their instance. */
  get endpoints(): ReadonlyMap<string, Endpoint> {
    return this.#known;
  }

  /** Endpoints of the list, whatever their status. */
  get size(): number {
    return this.#known.size;
  }

  /** How many of them are ready, take connections, and are not ejected. */
  get ready(): number {
    return this.#ready;
  }

  /** Grows whenever `ready` or `size` may have changed. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Takes over a newer list. @returns the endpoints that left
   * @param elsewhere endpoints of other pickers, which instances that move here keep
   */
  update(instances: readonly Instance[], now: number, elsewhere?: ReadonlyMap<string, Endpoint>): readonly Endpoint[] {
    const { endpoints, removed, revived } = reconcile(this.#known, instances, elsewhere);
    for (const endpoint of [...removed, ...revived]) {
      this.#ejection.forget(endpoint);
      this.#reachability.forget(endpoint);
    }
    this.#known = endpoints;
    const { endpoints: chosenFrom, rule } = eligible([...endpoints.values()], this.#panicThreshold);
    this.#eligible = chosenFrom;
    this.#rule = rule;
    this.#refresh(now);
    return removed;
  }

  /** Takes back endpoints whose time is over, and starts the checks that are due; `pick` does so, too. */
  settle(now: number): void {
    if (now < this.#ejection.nextReturn && now < this.#reachability.nextCheck) return;
    this.#reachability.check(now);
    this.#refresh(now);
  }

  /**
   * The endpoint for the next request; undefined when there is no endpoint outside `exclude`.
   * The caller counts `inFlight` and calls `observe`.
   * @param key for balancers that hash; see `PickContext`
   */
  pick(now: number, exclude: readonly Endpoint[] = none, key?: string): Endpoint | undefined {
    this.settle(now);
    this.#context.now = now;
    this.#context.exclude = exclude;
    this.#context.key = key;
    const endpoint = this.#balancer.pick(this.#context);
    if (endpoint !== undefined || exclude.length === 0) return endpoint;
    // An ejected endpoint is better than none, if this request has not tried it.
    return this.#reachable.find((other) => !exclude.includes(other));
  }

  /**
   * An endpoint that `allows` accepts, ejected or not; endpoints take turns, without the balancer. For use when every
   * endpoint of the balancer is refused. O(endpoints).
   */
  any(allows: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const count = this.#eligible.length;
    for (let step = 0; step < count; step++) {
      const index = (this.#turn + step) % count;
      const endpoint = this.#eligible[index] as Endpoint;
      if (!allows(endpoint)) continue;
      this.#turn = index + 1;
      return endpoint;
    }
    return undefined;
  }

  /**
   * The state that a pick at `now` would use. It changes nothing: endpoints whose time is over count as
   * back, although only the next pick takes them back.
   */
  explain(now: number, key?: string): ExplainedPicker {
    const unreachable = this.#reachability.explain(this.#eligible, now);
    const allOut = unreachable.size === this.#eligible.length;
    const reachable = allOut ? this.#eligible : this.#eligible.filter((endpoint) => !unreachable.has(endpoint));
    const ejected = this.#ejection.explain(reachable, now);
    const listed = reachable.filter((endpoint) => !ejected.has(endpoint));
    const reasonsOf = (endpoint: Endpoint): Reason[] => {
      if (!this.#eligible.includes(endpoint)) return [reasonAgainst(endpoint, this.#rule)];
      const check = unreachable.get(endpoint);
      const out = ejected.get(endpoint);
      return [
        ...(unreachable.has(endpoint) ? [{ kind: 'unreachable', checkInMs: check && Math.max(0, check - now) } as const] : []),
        ...(out === undefined ? [] : [{ kind: 'ejected', reason: out.reason, forMs: out.until - now } as const]),
      ];
    };
    const weights = relativeWeights(listed);
    const figures = listed.map((endpoint, index) => ({ part: weights[index], ...this.#balancer.explain?.(endpoint, now, key) }));
    const sum = figures.reduce((all, { part = NaN }) => all + part, 0);
    const endpoints = Array.from(this.#known.values(), (endpoint): ExplainedEndpoint => {
      const reasons = reasonsOf(endpoint);
      const own = figures[listed.indexOf(endpoint)];
      if (own === undefined) return { endpoint, place: this.#eligible.includes(endpoint) ? 'fallback' : 'none', reasons, share: 0, figures: {} };
      return { endpoint, place: 'listed', reasons, share: sum > 0 ? (own.part ?? 0) / sum : undefined, figures: own };
    });
    const ready = allOut ? 0 : listed.filter(({ instance }) => isReady(instance)).length;
    return { rule: this.#rule, size: endpoints.length, ready, endpoints };
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#balancer.observe(endpoint, outcome);
    if (outcome.result !== 'cancelled' && this.#learns(endpoint, outcome)) this.#refresh(outcome.now);
  }

  /** @returns whether the outcome changes which endpoints may be chosen */
  #learns(endpoint: Endpoint, { now, result, retryAfterMs }: Outcome): boolean {
    if (result === 'unreachable') {
      if (!this.#leavesOut || !this.#eligible.includes(endpoint)) return false;
      const lengthMs = this.#reachability.lost(endpoint, now);
      if (lengthMs !== undefined) this.#onEject(endpoint, 'unreachable', lengthMs);
      return lengthMs !== undefined;
    }
    const isBack = this.#reachability.met(endpoint);
    if (isBack) this.#reachable = this.#reachability.filter(this.#eligible);
    if (result === 'broken') return this.#ejection.broke(endpoint, this.#reachable, now) || isBack;
    const isOut = retryAfterMs !== undefined && this.#ejection.asked(endpoint, retryAfterMs, this.#reachable, now);
    return this.#ejection.answered(endpoint, result === 'ok', this.#reachable, now) || isOut || isBack;
  }

  #refresh(now: number): void {
    this.#reachable = this.#reachability.filter(this.#eligible);
    const chosenFrom = this.#ejection.filter(this.#reachable, now);
    this.#ready = this.#reachability.allOut ? 0 : chosenFrom.filter(({ instance }) => isReady(instance)).length;
    this.#changes += 1;
    this.#balancer.update(chosenFrom);
  }
}

function reachabilityOf({ baseMs = 1000, maxMs = 30_000 }: EjectionOptions, reach: Reach | undefined): Reachability {
  return new Reachability({ baseMs, maxMs, reach });
}
