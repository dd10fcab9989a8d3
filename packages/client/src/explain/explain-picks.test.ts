/** Explanations match picks: the same instances, the same shares; and explaining never changes a pick. */

import type { Instance } from '@rollcall/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BalancerFactory } from '../balancer/balancer.ts';
import { peakEwma } from '../balancer/peak-ewma.ts';
import { Picker } from '../routing/picker.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import { weightedRandom } from '../balancer/weighted-random.ts';
import type { Endpoint } from '../endpoint.ts';
import { Breakers } from '../resilience/breaker.ts';
import { Guard } from '../routing/guard.ts';
import { Router } from '../routing/router.ts';
import type { RoutingOptions } from '../routing/routing-options.ts';
import { explainService } from './explain-service.ts';
import type { InstanceExplanation } from './explanation.ts';

type Step =
  | { readonly do: 'list'; readonly instances: readonly Instance[] }
  | { readonly do: 'outcome'; readonly result: 'ok' | 'failed' | 'unreachable' | 'broken'; readonly times: number; readonly pauseMs: number | undefined }
  | { readonly do: 'hold'; readonly times: number }
  | { readonly do: 'pass'; readonly ms: number };

const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
const instance = (id: string) => fc.record({
  status: fc.constantFrom('passing', 'passing', 'passing', 'warning', 'critical', 'draining'),
  weight: fc.constantFrom(1, 1, 1, 2, 0),
  zone: fc.constantFrom('x', 'y'),
  priority: fc.constantFrom('0', '0', '1'),
  canary: fc.boolean(),
}).map(({ status, weight, zone, priority, canary }) => anInstance(id, { status, weight, meta: { zone, priority }, tags: canary ? ['canary'] : [] }));
const list = fc.subarray(ids, { minLength: 1 }).chain((some) => fc.tuple(...some.map(instance)));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: list.map((instances) => ({ do: 'list', instances }) as const) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('outcome' as const), result: fc.constantFrom('ok', 'failed', 'unreachable', 'broken'), times: fc.integer({ min: 1, max: 6 }), pauseMs: fc.constantFrom(undefined, undefined, 700) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const), times: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.constantFrom(1, 400, 1_000, 5_000).map((ms) => ({ do: 'pass', ms }) as const) },
);
const routing: fc.Arbitrary<RoutingOptions> = fc.record({
  canary: fc.constantFrom({ select: { tags: ['canary'] }, share: 0 }, { select: { tags: ['canary'] }, share: 0.3 }),
  zone: fc.constantFrom({ own: 'x', sizeMin: 1 }, { own: 'x' }),
  priority: fc.constant({}),
  subset: fc.constant({ size: 3, ordinal: 0 }),
  select: fc.constant((one: Instance) => one.id !== 'f'),
}, { requiredKeys: [] });

const balancers: readonly BalancerFactory[] = [roundRobin(), weightedRandom()];

/** One service and its limits, driven by hand. */
class World {
  readonly router: Router;
  readonly guard: Guard | undefined;
  now = 0;

  constructor(options: RoutingOptions, balancer: BalancerFactory, guarded: boolean) {
    const random = new SeededRandom(5);
    this.router = new Router(options, () => new Picker(balancer, {}, random, 0.3), random);
    this.guard = guarded ? new Guard(this.router, new Breakers({ requestsMin: 3, openMs: 800 }), 2) : undefined;
  }

  pick(key?: string): Endpoint | undefined {
    try {
      return (this.guard ?? this.router).pick(this.now, [], key);
    } catch {
      return undefined;
    }
  }

  explain(key?: string): readonly InstanceExplanation[] {
    const requests = { requests: { inFlight: 0, answering: 0, max: 1 }, concurrencyMax: undefined, retriesLeft: 0, hedging: undefined };
    const routed = this.router.explain(this.now, key);
    return explainService({ service: 'web', snapshot: undefined, route: undefined, routing: routed, guard: this.guard, requests }, this.now).instances;
  }

  take(one: Step): void {
    if (one.do === 'pass') this.now += one.ms;
    else if (one.do === 'list') this.router.update(one.instances, this.now);
    else {
      for (let n = 0; n < one.times; n++) {
        const endpoint = this.pick();
        if (endpoint === undefined) continue;
        if (one.do === 'hold') endpoint.inFlight += 1;
        else (this.guard ?? this.router).observe(endpoint, { now: this.now, latencyMs: 1, result: one.result, retryAfterMs: one.pauseMs });
      }
    }
  }
}

const idsOf = (all: readonly InstanceExplanation[], standing: string) =>
  all.filter((one) => one.standing === standing).map((one) => one.instance.id).sort();

it('explains as eligible those that picks return, with the shares that they get', () => {
  fc.assert(fc.property(routing, fc.constantFrom(...balancers), fc.array(step, { minLength: 2, maxLength: 12 }), fc.option(fc.constantFrom('k1', 'k2'), { nil: undefined, freq: 4 }), (options, balancer, steps, key) => {
    const world = new World(options, balancer, false);
    for (const one of [{ do: 'list', instances: ids.map((id) => anInstance(id)) } as const, ...steps]) {
      world.take(one);
      const explained = world.explain(key);
      const picks = 1_000;
      const counts = new Map<string, number>();
      for (let n = 0; n < picks; n++) {
        const id = world.pick(key)?.instance.id ?? 'none';
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      expect([...counts.keys()].sort()).toEqual(explained.some(({ standing }) => standing === 'eligible') ? idsOf(explained, 'eligible') : ['none']);
      for (const { instance: { id }, share } of explained) expect((counts.get(id) ?? 0) / picks).toBeCloseTo(share ?? NaN, 0.8);
    }
  }), { numRuns: 300 });
});

it('with limits, too: picks go to the eligible instances, and to spare ones only when there is no eligible one', () => {
  fc.assert(fc.property(fc.array(step, { minLength: 2, maxLength: 25 }), (steps) => {
    const world = new World({}, roundRobin(), true);
    for (const one of [{ do: 'list', instances: ids.map((id) => anInstance(id)) } as const, ...steps]) {
      world.take(one);
      const explained = world.explain();
      const eligible = idsOf(explained, 'eligible');
      const picked = world.pick()?.instance.id;
      if (eligible.length > 0) expect(eligible).toContain(picked);
      else if (picked === undefined) expect(idsOf(explained, 'spare')).toEqual([]);
      else expect(idsOf(explained, 'spare')).toContain(picked);
    }
  }), { numRuns: 300 });
});

it('changes nothing: picks are the same whether or not anything was explained before', () => {
  fc.assert(fc.property(routing, fc.boolean(), fc.array(step, { minLength: 2, maxLength: 25 }), (options, guarded, steps) => {
    const run = (explains: boolean) => {
      const world = new World(options, peakEwma(), guarded);
      return [{ do: 'list', instances: ids.map((id) => anInstance(id)) } as const, ...steps].map((one) => {
        world.take(one);
        if (explains) world.explain();
        if (explains) world.explain('key');
        return [world.pick()?.instance.id, world.pick('key')?.instance.id];
      });
    };
    expect(run(true)).toEqual(run(false));
  }), { numRuns: 200 });
});
