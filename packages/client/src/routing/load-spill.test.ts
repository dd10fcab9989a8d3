import { describe, expect, it } from 'vitest';
import type { LoadReport } from '../load-report/load-report.ts';
import { LoadSpill, type SpillChange } from './load-spill.ts';
import { ZoneLoad } from './zone-load.ts';
import { zoneShares } from './zones.ts';

const zoneOf = (zone: string, ready = 4) => ({ zone, load: new ZoneLoad(), picker: { ready } });
const home = new Map([['a', 1]]);
const rounded = (shares: ReadonlyMap<string, number>) => Object.fromEntries([...shares].map(([zone, share]) => [zone, Math.round(share * 1000) / 1000]));

describe('the traffic that leaves the zone', () => {
  function setUp(options = {}) {
    const told: SpillChange[] = [];
    const spill = new LoadSpill('a', options, (change) => told.push(change));
    const zones = [zoneOf('a'), zoneOf('b'), zoneOf('c')];
    let now = 0;
    /** Seconds during which the zones send the same reports; undefined for no reports. */
    const run = (seconds: number, ...used: (number | undefined)[]) => {
      let shares: ReadonlyMap<string, number> = new Map();
      for (const end = now + seconds * 1000; now < end; now += 500) {
        used.forEach((utilization, index) => utilization !== undefined && zones[index]!.load.hear(now, { inFlight: utilization / (1 - utilization), utilization }));
        shares = spill.shares(now, zones, home);
      }
      return rounded(shares);
    };
    return { run, told, spill, zones };
  }

  it('is only the probes within the threshold, which grows stricter as zones fill up', () => {
    expect(setUp().run(30, 0.6, 0.52, 0.52)).toEqual({ a: 0.97, b: 0.015, c: 0.015 });
    expect(setUp().run(30, 0.92, 0.902, 0.902)).toEqual({ a: 0.97, b: 0.015, c: 0.015 });
    expect(setUp().run(30, 0.92, 0.85, 0.85)['a']).toBeLessThan(0.9);
  });

  it('is only the probes when the own zone is the least loaded', () => {
    expect(setUp().run(30, 0.1, 0.8, 0.9)).toEqual({ a: 0.97, b: 0.015, c: 0.015 });
  });

  it('begins within a second, and grows step by step as long as the own zone is beyond the threshold', () => {
    const { run } = setUp();
    run(1, 0.5, 0.5, 0.5);
    const first = run(1, 0.8, 0.4, 0.4)['a'] as number;
    expect(first).toBeGreaterThan(0.3);
    expect(first).toBeLessThan(0.97);
    const second = run(1, 0.8, 0.4, 0.4)['a'] as number;
    expect(second).toBeLessThan(first);
    expect(run(30, 0.8, 0.4, 0.4)['a']).toBe(0.03);
  });

  it('goes where there is room: by instances and headroom', () => {
    const { run } = setUp();
    const { b, c } = run(30, 0.95, 0.8, 0.2) as { b: number; c: number };
    expect(c / b).toBeGreaterThan(3);
    expect(b).toBeGreaterThan(0.1);
  });

  it('returns when the own zone has room again', () => {
    const { run } = setUp();
    run(30, 0.9, 0.3, 0.3);
    expect(run(30, 0.2, 0.3, 0.3)).toEqual({ a: 0.97, b: 0.015, c: 0.015 });
  });

  it('follows the number of instances, without probes, while there are no reports', () => {
    const { run, spill, told } = setUp();
    expect(run(5)).toEqual({ a: 1 });
    expect([spill.byLoad, told]).toEqual([false, []]);
  });

  it('is only the probes as long as one side has not reported', () => {
    expect(setUp().run(5, 0.9)).toEqual({ a: 0.97, b: 0.015, c: 0.015 });
    expect(setUp().run(5, undefined, 0.1)).toEqual({ a: 0.97, b: 0.015, c: 0.015 });
  });

  it('falls back to the number of instances when reports stop', () => {
    const { run, spill } = setUp();
    run(30, 0.9, 0.3, 0.3);
    expect(spill.byLoad).toBe(true);
    run(31);
    expect([run(1), spill.byLoad]).toEqual([{ a: 1 }, false]);
  });

  it('is only the probes for a zone whose reports stopped', () => {
    const { run } = setUp();
    run(1, 0.9, 0.3, 0.3);
    expect(run(35, 0.9, undefined, 0.3)['b']).toBe(0.015);
  });

  it('follows utilisation alone where servers report nothing else, and no report where there is no common measure', () => {
    const [a, b] = [zoneOf('a'), zoneOf('b')];
    const spill = new LoadSpill('a', {});
    const run = (from: number, ofA: LoadReport, ofB: LoadReport) => {
      let shares: ReadonlyMap<string, number> = new Map();
      for (let now = from; now < from + 60_000; now += 500) {
        a.load.hear(now, ofA);
        b.load.hear(now, ofB);
        shares = spill.shares(now, [a, b], home);
      }
      return shares.get('a');
    };
    expect(run(0, { utilization: 0.5 }, { utilization: 0.45 })).toBeCloseTo(0.97, 9);
    expect(run(60_000, { utilization: 1 }, { utilization: 0.45 })).toBeCloseTo(0.03, 9);
    expect(run(120_000, { utilization: 1 }, { inFlight: 0 })).toBeCloseTo(0.97, 9);
    expect(spill.byLoad).toBe(false);
    expect(run(180_000, { utilization: 1, inFlight: 9 }, { inFlight: 0 })).toBeCloseTo(0.03, 9);
  });

  it('is reported when it changes by a twentieth, when it has ended, and when another measure decides', () => {
    const { run, told } = setUp();
    run(5, 0.5, 0.5, 0.5);
    expect(told).toEqual([{ zone: 'a', by: 'load', share: expect.closeTo(0.03, 6) as number }]);
    run(20, 0.9, 0.3, 0.3);
    expect(told.length).toBeGreaterThan(2);
    expect(told.length).toBeLessThan(21);
    run(30, 0.2, 0.3, 0.3);
    expect(told.at(-1)).toEqual({ zone: 'a', by: 'load', share: expect.closeTo(0.03, 6) as number });
    run(32);
    expect(told.at(-1)).toEqual({ zone: 'a', by: 'instances', share: 0 });
  });

  it.each([
    [{ threshold: 1 }, 'spillByLoad.threshold is 1'],
    [{ threshold: -0.1 }, 'spillByLoad.threshold is -0.1'],
    [{ probeShare: 0 }, 'spillByLoad.probeShare is 0'],
    [{ probeShare: 0.6 }, 'spillByLoad.probeShare is 0.6'],
  ])('refuses %j', (options, message) => {
    expect(() => new LoadSpill('a', options)).toThrow(message);
  });
});

/**
 * Many independent callers, and zones as queues: requests beyond the capacity wait. No randomness; each caller looks
 * at a different moment.
 */
function simulate({ callers, capacity, seconds, demandAt, reportsUtilization }: {
  readonly callers: Readonly<Record<string, number>>;
  /** Capacity of the zone, in requests a second. */
  readonly capacity: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Requests a second of one caller. */
  readonly demandAt: (second: number) => number;
  readonly reportsUtilization: boolean;
}) {
  const names = Object.keys(capacity);
  const instances = 10;
  const clients = Object.entries(callers).flatMap(([own, count]) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ own, phase: (index * 7) % 10, spill: new LoadSpill(own, {}), zones: names.map((name) => zoneOf(name, instances)) },
      shares: new Map([[own, 1]]) as ReadonlyMap<string, number>,
    })),
  );
  const byInstances = (own: string) => zoneShares(own, new Map(names.map((name) => [name, instances])));
  const waiting = new Map(names.map((name) => [name, 0]));
  const history: { second: number; used: number[]; waiting: number[]; kept: number[] }[] = [];
  const stepMs = 50;
  for (let now = 0; now < seconds * 1000; now += stepMs) {
    const demand = demandAt(now / 1000);
    const used = names.map((name) => {
      const arriving = clients.reduce((sum, { shares }) => sum + demand * (shares.get(name) ?? 0), 0);
      const rate = capacity[name] as number;
      const left = Math.max(0, (waiting.get(name) as number) + ((arriving - rate) * stepMs) / 1000);
      waiting.set(name, left);
      return left > 0 ? 1 : arriving / rate;
    });
    clients.forEach((client) => {
      names.forEach((name, index) => {
        const utilization = used[index] as number;
        const queued = (waiting.get(name) as number) / instances;
        const inFlight = queued + Math.min(utilization / (1 - Math.min(utilization, 0.98)), 50);
        client.zones[index]!.load.hear(now, reportsUtilization ? { inFlight, utilization } : { inFlight });
      });
      if ((now / stepMs + client.phase) % 10 === 0) client.shares = client.spill.shares(now, client.zones, byInstances(client.own));
    });
    const kept = names.map((name) => clients.find(({ own }) => own === name)?.shares.get(name) ?? 1);
    if (now % 1000 === 0) history.push({ second: now / 1000, used, waiting: names.map((name) => (waiting.get(name) as number) / instances), kept });
  }
  const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  return {
    history,
    /** In the last twenty seconds. */
    tail: history.slice(-20),
    /** Change of the share that stays in each zone in that time. */
    swings: names.map((_, index) => spread(history.slice(-20).map(({ kept }) => kept[index] as number))),
  };
}

describe.each([['utilisation', true], ['requests in flight', false]])('sixty independent callers, with reports of %s', (_, reportsUtilization) => {
  const uneven = { callers: { a: 30, b: 18, c: 12 }, capacity: { a: 600, b: 1000, c: 1400 }, reportsUtilization };

  it('reach shares that leave no zone full, though half of them are in a zone with a fifth of the capacity', () => {
    const { tail, swings } = simulate({ ...uneven, seconds: 90, demandAt: () => 35 });
    for (const { used, waiting } of tail) {
      expect(Math.max(...used)).toBeLessThan(0.9);
      expect(Math.max(...waiting)).toBe(0);
    }
    expect(Math.max(...swings)).toBeLessThan(0.03);
    // Requests for 2.1 of the capacity prefer zone a; the callers of the free zone stay there.
    expect(tail.at(-1)!.kept[0]).toBeLessThan(0.6);
    expect(tail.at(-1)!.kept[2]).toBeGreaterThan(0.96);
  });

  it('follow the load when it rises, and return when it falls', () => {
    const { history, tail, swings } = simulate({ ...uneven, seconds: 200, demandAt: (second) => (second < 60 ? 35 : 3) });
    expect(history[59]!.kept[0]).toBeLessThan(0.6);
    expect(tail.at(-1)!.kept[0]).toBeGreaterThan(0.96);
    expect(Math.max(...swings)).toBeLessThan(0.02);
  });

  it('keep their requests in their zones when all zones are alike', () => {
    const { tail } = simulate({ callers: { a: 20, b: 20, c: 20 }, capacity: { a: 1000, b: 1000, c: 1000 }, seconds: 30, demandAt: () => 35, reportsUtilization });
    expect(tail.at(-1)!.kept.map((kept) => Math.round(kept * 100))).toEqual([97, 97, 97]);
  });
});
