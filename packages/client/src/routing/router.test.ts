import type { Instance } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { Picker } from './picker.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { SpillChange, SpillListener } from './load-spill.ts';
import { Router } from './router.ts';
import type { RoutingOptions } from './routing-options.ts';

function setUp(options: RoutingOptions, instances: readonly Instance[], onSpill?: SpillListener) {
  const random = new SeededRandom(11);
  const router = new Router(options, () => new Picker(roundRobin(), {}, random), random, onSpill);
  router.update(instances, 0);
  /** Share of 10,000 requests that each instance gets, in per cent. */
  const shares = (now = 0, header?: (name: string) => string | undefined) => {
    const counts: Record<string, number> = {};
    for (let n = 0; n < 10_000; n++) {
      const id = router.pick(now, [], undefined, header)?.instance.id ?? 'none';
      counts[id] = (counts[id] ?? 0) + 1;
    }
    return Object.fromEntries(Object.entries(counts).map(([id, count]) => [id, Math.round(count / 100)]));
  };
  const break_ = (id: string, now: number) => {
    for (let n = 0; n < 100; n++) {
      const endpoint = router.pick(now);
      if (endpoint?.instance.id === id) return router.observe(endpoint, { now, latencyMs: 1, result: 'unreachable' });
    }
    throw new Error(`${id} was never picked`);
  };
  return { router, shares, break: break_ };
}

const inZone = (id: string, zone: string) => anInstance(id, { meta: { zone } });
const atLevel = (id: string, priority: string) => anInstance(id, { meta: { priority } });
const idsOf = (shares: Record<string, number>) => Object.keys(shares).sort();

it('uses only what is selected', () => {
  const { shares } = setUp({ select: { tags: ['v2'] } }, [anInstance('a', { tags: ['v1'] }), anInstance('b', { tags: ['v2'] })]);
  expect(shares()).toEqual({ b: 100 });
});

it('uses a subset, and another one with another ordinal', () => {
  const instances = Array.from({ length: 40 }, (_, index) => anInstance(`i${index}`));
  const { router, shares } = setUp({ subset: { size: 5, ordinal: 0 } }, instances);
  const before = idsOf(shares());
  expect(before).toHaveLength(5);
  expect(router.useOrdinal(1, 0)).toHaveLength(5);
  expect(idsOf(shares()).some((id) => before.includes(id))).toBe(false);
  expect(router.wantsOrdinal).toBe(false);
});

describe('a canary', () => {
  const instances = [anInstance('a'), anInstance('b'), anInstance('new', { tags: ['canary'] })];
  const options = { canary: { select: { tags: ['canary'] }, share: 0.1, header: 'x-canary' } };

  it('gets its share, for any number of canary instances', () => {
    const { shares } = setUp(options, instances);
    expect(shares()['new']).toBeCloseTo(10, -0.5);
  });

  it('gets all requests that ask for it and none that refuse it', () => {
    const { shares } = setUp(options, instances);
    expect(shares(0, () => 'always')).toEqual({ new: 100 });
    expect(idsOf(shares(0, () => 'never'))).toEqual(['a', 'b']);
  });

  it('gets the same keys from each caller, and its share of them', () => {
    const callers = [setUp({ canary: { ...options.canary, share: 0.3 } }, instances), setUp({ canary: { ...options.canary, share: 0.3 } }, instances)];
    const keys = Array.from({ length: 1000 }, (_, n) => `user-${n}`);
    const [here, again, there] = [callers[0], callers[0], callers[1]].map((caller) =>
      keys.filter((key) => caller?.router.pick(0, [], key)?.instance.id === 'new'));
    expect(again).toEqual(here);
    expect(there).toEqual(here);
    expect((here?.length ?? 0) / 1000).toBeCloseTo(0.3, 1);
  });

  it('may have no instance: then all requests go to the others', () => {
    const { shares } = setUp(options, instances.slice(0, 2));
    expect(shares(0, () => 'always')).toEqual({ a: 50, b: 50 });
  });

  it('has a separate subset', () => {
    const many = Array.from({ length: 50 }, (_, index) => anInstance(`i${index}`));
    const { shares } = setUp({ ...options, subset: { size: 3, ordinal: 4 } }, [...many, instances[2] as Instance]);
    expect(idsOf(shares())).toHaveLength(4);
    expect(shares()).toHaveProperty('new');
  });
});

describe('the further tries of a request of a canary', () => {
  const instances = [anInstance('a'), anInstance('b'), anInstance('new', { tags: ['canary'] })];
  const split = (share: number) => setUp({ canary: { select: { tags: ['canary'] }, share } }, instances).router;
  const sideOf = (endpoint: Endpoint | undefined) => endpoint && (endpoint.instance.id === 'new' ? 'canary' : 'others');

  it('stay on the side of the first one, whatever its share is', () => {
    const router = split(0.5);
    const sides = new Set<string>();
    for (let n = 0; n < 200; n++) {
      const first = router.pick(0) as Endpoint;
      if (sideOf(first) === 'canary') continue;
      sides.add(`${sideOf(router.pick(0, [first]))}`);
    }
    expect([...sides]).toEqual(['others']);
  });

  it('go to the other side when their own has no other instance and the first one failed', () => {
    const router = split(1);
    expect(sideOf(router.pick(0, [router.pick(0) as Endpoint]))).toBe('others');
  });

  it('never go to the other side as hedges', () => {
    const router = split(1);
    expect(router.pick(0, [router.pick(0) as Endpoint], undefined, undefined, false)).toBe(undefined);
    const others = split(0);
    const tried = [others.pick(0), others.pick(0)] as Endpoint[];
    expect(sideOf(others.pick(0, tried.slice(0, 1), undefined, undefined, false))).toBe('others');
    expect(others.pick(0, tried, undefined, undefined, false)).toBe(undefined);
  });
});

describe('levels', () => {
  const instances = [atLevel('a', '0'), atLevel('b', '0'), atLevel('c', '1'), atLevel('d', 'soon')];

  it('send all requests to the first one while it is healthy', () => {
    const { shares } = setUp({ priority: {} }, instances);
    expect(idsOf(shares())).toEqual(['a', 'b', 'd']);
  });

  it('fail over as instances of the first are ejected, and return', () => {
    const { shares, break: breakIt } = setUp({ priority: {} }, instances.slice(0, 3));
    breakIt('a', 0);
    expect(shares(0)).toEqual({ b: expect.closeTo(70, -0.5), c: expect.closeTo(30, -0.5) });
    expect(idsOf(shares(1_000))).toEqual(['a', 'b']);
  });

  it('use the last one when it is the only one', () => {
    const { router, shares } = setUp({ priority: {} }, instances);
    router.update([...instances.slice(0, 2).map((one) => ({ ...one, status: 'critical' as const })), instances[2] as Instance], 0);
    expect(shares()).toEqual({ c: 100 });
  });
});

describe('zones', () => {
  const six = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('a3', 'a'), inZone('b1', 'b'), inZone('b2', 'b'), inZone('b3', 'b')];

  it('keep the requests that they can serve', () => {
    const { shares } = setUp({ zone: { own: 'b' } }, six);
    expect(idsOf(shares())).toEqual(['b1', 'b2', 'b3']);
  });

  it('come from the instances, or from their metadata where an instance has no zone', () => {
    const said = six.map(({ meta, ...rest }) => ({ ...rest, meta: { zone: 'elsewhere' }, zone: meta['zone'] as string }));
    expect(idsOf(setUp({ zone: { own: 'b' } }, said).shares())).toEqual(['b1', 'b2', 'b3']);
  });

  it('send requests elsewhere when they have too few instances', () => {
    const { shares } = setUp({ zone: { own: 'b' } }, [...six, inZone('a4', 'a'), inZone('a5', 'a'), inZone('a6', 'a')]);
    expect(shares()['b1']).toBeCloseTo(100 / 3 / 1.5, -0.5);
  });

  it('keep a key in one zone', () => {
    const { router } = setUp({ zone: { own: 'b' } }, [...six, inZone('a4', 'a'), inZone('a5', 'a'), inZone('a6', 'a')]);
    const zoneOf = (key: string) => router.pick(0, [], key)?.instance.meta['zone'];
    const zones = Array.from({ length: 200 }, (_, n) => new Set(Array.from({ length: 5 }, () => zoneOf(`user-${n}`))));
    expect(zones.every(({ size }) => size === 1)).toBe(true);
    expect(new Set(zones.flatMap((zone) => [...zone])).size).toBe(2);
  });

  it('have no effect when there are few instances', () => {
    const { shares } = setUp({ zone: { own: 'b' } }, six.slice(0, 5));
    expect(idsOf(shares())).toHaveLength(5);
  });

  it('send a retry to another zone when every instance of the own zone was tried', () => {
    const { router } = setUp({ zone: { own: 'b' } }, six);
    const tried = [];
    for (let n = 0; n < 4; n++) {
      const endpoint = router.pick(0, tried);
      if (endpoint !== undefined) tried.push(endpoint);
    }
    expect(tried.map(({ instance }) => instance.meta['zone'])).toEqual(['b', 'b', 'b', 'a']);
  });

  it('all get requests when no endpoint is ready in any zone', () => {
    const { shares } = setUp({ zone: { own: 'b' } }, six.map((one) => ({ ...one, status: 'critical' as const })));
    expect(idsOf(shares())).toHaveLength(6);
  });

  describe('with spillByLoad', () => {
    const endpoints = new Map<string, Endpoint>();
    /** Ten seconds of requests along the router's picks; zones answer with these loads. */
    const run = (router: Router, loads: Record<string, LoadReport>, from: number) => {
      const counts: Record<string, number> = { a: 0, b: 0 };
      for (let now = from; now < from + 10_000; now += 10) {
        const endpoint = router.pick(now)!;
        const zone = endpoint.instance.meta['zone']!;
        endpoints.set(endpoint.instance.id, endpoint);
        router.observe(endpoint, { now, latencyMs: 1, result: 'ok', load: loads[zone] });
        if (now >= from + 5000) counts[zone]! += 1 / 500;
      }
      return counts;
    };

    it('send away the traffic that exceeds the own zone by its reports, and keep a share for probes', () => {
      const told: SpillChange[] = [];
      const { router } = setUp({ zone: { own: 'a', spillByLoad: true } }, six, (change) => told.push(change));
      expect(run(router, { a: { inFlight: 1 }, b: { inFlight: 1 } }, 0)['b']).toBeCloseTo(0.03, 1);
      expect(run(router, { a: { inFlight: 9 }, b: { inFlight: 1 } }, 10_000)['b']).toBeGreaterThan(0.5);
      expect(told[0]).toMatchObject({ zone: 'a', by: 'load' });
      expect(told.at(-1)!.share).toBeGreaterThan(0.5);
      const { groups } = router.explain(20_000);
      expect(groups).toMatchObject([
        { zone: 'a', level: 0, canary: false, ready: 3, size: 3, reported: { inFlight: expect.closeTo(9, 1) as number }, spillsByLoad: true },
        { zone: 'b', reported: { inFlight: 1, utilization: undefined }, spillsByLoad: undefined },
      ]);
      expect(groups[0]!.share + groups[1]!.share).toBeCloseTo(1, 9);
    });

    it('use the reports in answers to probes, too', () => {
      const { router } = setUp({ zone: { own: 'a', spillByLoad: true } }, six);
      run(router, { a: { inFlight: 9 } }, 0);
      router.hear(endpoints.get('b1')!, { inFlight: 0 }, 10_000);
      router.pick(10_000);
      expect(router.explain(10_000).groups.find(({ zone }) => zone === 'a')).toMatchObject({ spillsByLoad: true, share: expect.closeTo(0.293, 2) as number });
    });

    it('follow the number of instances while none reports', () => {
      const told: SpillChange[] = [];
      const { router } = setUp({ zone: { own: 'a', spillByLoad: true } }, six, (change) => told.push(change));
      expect(run(router, {}, 0)).toEqual({ a: expect.closeTo(1, 9) as number, b: 0 });
      expect([told, router.explain(5_000).groups[0]!.reported]).toEqual([[], undefined]);
    });

    it('send nothing to a zone without ready instances, for any reports', () => {
      const { router } = setUp({ zone: { own: 'a', spillByLoad: true } }, six);
      run(router, { a: { inFlight: 1 }, b: { inFlight: 1 } }, 0);
      router.update([...six.slice(3), inZone('b4', 'b'), inZone('b5', 'b'), inZone('b6', 'b'), inZone('c1', 'c')], 10_000);
      expect(idsOf(Object.fromEntries(Array.from({ length: 200 }, () => [router.pick(10_000)!.instance.meta['zone'], 1])))).toEqual(['b', 'c']);
    });

    it('refuse unknown options', () => {
      const withZone = (zone: object) => () => setUp({ zone: { own: 'a', ...zone } }, six);
      expect(withZone({ spillByload: true })).toThrow('zone has no option spillByload; did you mean spillByLoad?');
      expect(withZone({ spillByLoad: { probe: 0.1 } })).toThrow('zone.spillByLoad has no option probe');
      expect(withZone({ spillByLoad: { threshold: 2 } })).toThrow('spillByLoad.threshold is 2; it must be from 0 up to, but not including, 1');
      expect(withZone({ spillByLoad: false })).not.toThrow();
    });
  });
});

it('accepts the outcome of a request that was sent before there was a second zone', () => {
  const { router } = setUp({ zone: { own: 'b', sizeMin: 100 } }, [inZone('b1', 'b'), inZone('b2', 'b')]);
  const endpoint = router.pick(0) as Endpoint;
  router.update([inZone('b1', 'b'), inZone('b2', 'b'), inZone('a1', 'a')], 1);
  router.observe(endpoint, { now: 2, latencyMs: 2, result: 'unreachable' });
  for (let n = 0; n < 50; n++) expect(router.pick(3)).not.toBe(endpoint);
});

it('returns the endpoints that left, also those of a removed group', () => {
  const { router } = setUp({ zone: { own: 'b' } }, [inZone('a1', 'a'), inZone('b1', 'b')]);
  expect(router.update([inZone('b1', 'b')], 0).map(({ instance }) => instance.id)).toEqual(['a1']);
});

it.each<[RoutingOptions, RegExp]>([
  [{ subset: { size: 0 } }, /subset\.size is 0/],
  [{ subset: { size: 3, ordinal: 1.5 } }, /subset\.ordinal is 1\.5/],
  [{ priority: { overprovisioning: 0.5 } }, /overprovisioning is 0\.5/],
  [{ priority: { overprovisioning: Number.NaN } }, /overprovisioning is NaN/],
])('refuses %j', (options, message) => {
  expect(() => setUp(options, [])).toThrow(message);
});
