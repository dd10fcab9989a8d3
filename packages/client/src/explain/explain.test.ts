import type { Instance } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { c3 } from '../balancer/c3.ts';
import { maglev } from '../balancer/hash-maglev.ts';
import { pickFirst } from '../balancer/pick-first.ts';
import { prequal } from '../balancer/prequal.ts';
import { responseTimeWeighted } from '../balancer/response-time-weighted.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { slowStart } from '../balancer/slow-start.ts';
import type { OutcomeResult } from '../balancer/balancer.ts';
import { webServer } from '../http/web-server.case.ts';
import { formatLoadReport, loadHeader } from '../load-report/load-report.ts';
import type { Picked } from '../picked.ts';
import { ServiceClient } from '../service-client.ts';
import type { ServiceOptions } from '../service-options.ts';
import { type StaticInstance, StaticSource } from '../source/static-source.ts';
import type { ExplainOptions } from './explanation.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Given = Partial<Omit<Instance, 'id'>>;

/** Instances by name, and a client with an even balancer if the test gives no other. */
function setUp(instances: Readonly<Record<string, Given>>, options: ServiceOptions = {}) {
  const clock = manualClock();
  const listOf = (given: Readonly<Record<string, Given>>) =>
    Object.entries(given).map(([id, fields], index): StaticInstance => ({ id, address: '127.0.0.1', port: index + 1, ...fields }));
  const source = new StaticSource({ web: listOf(instances) });
  const web = new ServiceClient(source, 'web', { balancer: roundRobin(), ...options }, { clock, random: () => 0.5 });
  closing.push(() => web.close());
  const pick = (id: string): Picked => {
    for (let n = 0; n < 1_000; n++) {
      const picked = web.pick();
      if (picked.instance.id === id) return picked;
      picked.done('cancelled');
    }
    throw new Error(`${id} was never picked`);
  };
  const meet = (id: string, result: OutcomeResult, times = 1) => {
    for (let n = 0; n < times; n++) pick(id).done(result);
  };
  const of = (id: string, given?: ExplainOptions) => {
    const found = web.explain(given).instances.find(({ instance }) => instance.id === id);
    if (found === undefined) throw new Error(`${id} is not explained`);
    return found;
  };
  return { web, clock, meet, pick, of, list: (given: Readonly<Record<string, Given>>) => source.set('web', listOf(given)) };
}

describe('an instance', () => {
  const pair = { a: {}, b: {} };

  it('equal to the others is eligible, with its share', () => {
    const { of } = setUp(pair);
    expect(of('a')).toMatchObject({ standing: 'eligible', reasons: [], share: 0.5, inFlight: 0, ramp: 1 });
  });

  it.each<[what: string, given: Readonly<Record<string, Given>>, options: ServiceOptions, standing: string, reason: object]>([
    ['is critical', { a: { status: 'critical' }, b: {} }, {}, 'out', { kind: 'status', status: 'critical' }],
    ['drains', { a: { status: 'draining' }, b: {} }, {}, 'out', { kind: 'status', status: 'draining' }],
    ['has weight 0', { a: { weight: 0 }, b: {} }, {}, 'out', { kind: 'weight' }],
    ['is not selected', { a: { tags: ['v1'] }, b: { tags: ['v2'] } }, { routing: { select: { tags: ['v2'] } } }, 'out', { kind: 'selector' }],
    ['is of a later level', { a: { meta: { priority: '1' } }, b: {} }, { routing: { priority: {} } }, 'spare', { kind: 'level', level: 1 }],
    ['is of another zone', { a: { meta: { zone: 'far' } }, b: { meta: { zone: 'here' } } }, { routing: { zone: { own: 'here', sizeMin: 1 } } }, 'spare', { kind: 'zone', zone: 'far' }],
    ['is a canary without requests', { a: { tags: ['c'] }, b: {} }, { routing: { canary: { select: { tags: ['c'] }, share: 0 } } }, 'spare', { kind: 'canary' }],
  ])('that %s is %4$s', (_what, given, options, standing, reason) => {
    const { of } = setUp(given, options);
    expect(of('a')).toMatchObject({ standing, reasons: [reason], share: 0 });
    expect(of('b')).toMatchObject({ standing: 'eligible', reasons: [], share: 1 });
  });

  it('that is not in the subset of this caller is out', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`i${n}`, {}]));
    const { web } = setUp(many, { routing: { subset: { size: 3, ordinal: 0 } } });
    const out = web.explain().instances.filter(({ standing }) => standing === 'out');
    expect(out).toHaveLength(7);
    expect(out.map(({ reasons }) => reasons)).toEqual(out.map(() => [{ kind: 'subset' }]));
  });

  it('without a connection is spare until a check connects, and eligible when all are out', () => {
    const { of, meet, clock } = setUp(pair);
    meet('a', 'unreachable');
    clock.advance(400);
    expect(of('a')).toMatchObject({ standing: 'spare', reasons: [{ kind: 'unreachable', checkInMs: 600 }] });
    meet('b', 'unreachable');
    expect(of('a')).toMatchObject({ standing: 'eligible', reasons: [{ kind: 'unreachable' }], share: 0.5 });
  });

  it.each<[result: OutcomeResult, times: number, reason: string]>([
    ['broken', 1, 'broken'],
    ['failed', 5, 'outlier'],
  ])('that was %s is ejected, and back when its time is over', (result, times, reason) => {
    const { of, meet, clock } = setUp(pair);
    meet('a', result, times);
    clock.advance(250);
    expect(of('a')).toMatchObject({ standing: 'spare', reasons: [{ kind: 'ejected', reason, forMs: 750 }], share: 0 });
    expect(of('b').share).toBe(1);
    clock.advance(750);
    // No request was picked since; the next pick would take it back.
    expect(of('a')).toMatchObject({ standing: 'eligible', reasons: [], share: 0.5 });
  });

  it('that asked for a pause is ejected for that time', async () => {
    const server = await webServer((_request, response) => response.writeHead(503, { 'retry-after': '3' }).end());
    closing.push(() => server.kill());
    const { of, web } = setUp({ a: { port: Number(server.authority.split(':')[1]) }, b: { port: 1 } }, { balancer: pickFirst(), triesMax: 1 });
    await (await web.fetch('/')).text();
    expect(of('a').reasons).toEqual([{ kind: 'ejected', reason: 'retry-after', forMs: 3_000 }]);
  });

  it('whose circuit is open is out, and takes one request when its pause is over', () => {
    const { of, meet, pick, clock } = setUp(pair, { breaker: { requestsMin: 2, openMs: 500 }, ejection: { maxShare: 0, unreachable: false } });
    meet('a', 'failed', 2);
    clock.advance(100);
    expect(of('a')).toMatchObject({ standing: 'out', reasons: [{ kind: 'breaker', state: 'open', forMs: 400 }], share: 0 });
    expect(of('b').share).toBe(1);
    clock.advance(400);
    expect(of('a')).toMatchObject({ standing: 'eligible', reasons: [] });
    expect(of('a')).toMatchObject({ standing: 'eligible', reasons: [] });
    pick('a');
    expect(of('a').reasons).toEqual([{ kind: 'breaker', state: 'half-open', forMs: 500 }]);
  });

  it('at its limit of requests is out', () => {
    const { of, pick } = setUp(pair, { endpointRequestsMax: 1 });
    pick('a');
    expect(of('a')).toMatchObject({ standing: 'out', reasons: [{ kind: 'busy', inFlightMax: 1 }], inFlight: 1 });
  });

  it('in slow start shows the part of its share that it gets', () => {
    const { of, web, list, clock } = setUp(pair, { balancer: slowStart((random) => roundRobin()(random), { windowMs: 10_000 }) });
    list({ ...pair, c: {} });
    web.pick().done();
    clock.advance(5_000);
    web.pick().done();
    expect(of('c')).toMatchObject({ standing: 'eligible', ramp: 0.5 });
    expect(of('a').ramp).toBe(1);
  });
});

describe('the request that is explained', () => {
  it('may have only these options', () => {
    const { web } = setUp({ a: {} });
    expect(() => web.explain({ hashKey: 'x' } as ExplainOptions)).toThrow(/explain has no option hashKey/);
  });

  const canary = { canary: { select: { tags: ['c'] }, share: 0.25, header: 'x-canary' } };

  it('chooses the canary by its header', () => {
    const { of } = setUp({ a: { tags: ['c'] }, b: {} }, { routing: canary });
    expect([of('a').share, of('b').share]).toEqual([0.25, 0.75]);
    expect(of('b', { headers: { 'X-Canary': 'always' } }).reasons).toEqual([{ kind: 'canary' }]);
    expect(of('a', { headers: { 'X-Canary': 'never' } }).reasons).toEqual([{ kind: 'canary' }]);
  });

  it('goes by its key to one group, and there to one instance', () => {
    const zones = { a: { meta: { zone: 'x' } }, b: { meta: { zone: 'y' } }, c: { meta: { zone: 'y' } } };
    const { web } = setUp(zones, { balancer: maglev(), routing: { zone: { own: 'z', sizeMin: 1 } } });
    const kinds = new Set<string>();
    for (let n = 0; n < 40; n++) {
      const key = `user-${n}`;
      const { instances } = web.explain({ key });
      const taken = web.pick({ key });
      taken.done();
      expect(instances.find(({ share }) => share === 1)?.instance.id).toBe(taken.instance.id);
      for (const { reasons } of instances) for (const { kind } of reasons) kinds.add(kind);
    }
    expect([...kinds].sort()).toEqual(['key', 'preference']);
  });
});

describe('a balancer', () => {
  it.each([
    ['peakEwma', undefined],
    ['c3', c3()],
    ['responseTimeWeighted', responseTimeWeighted()],
  ])('by latency, %s, shows the latencies', (_name, balancer) => {
    const { of, pick, clock } = setUp({ a: {}, b: {} }, balancer === undefined ? { balancer: undefined as never } : { balancer });
    expect(of('a').latencyMs).toBeUndefined();
    const picked = pick('a');
    clock.advance(40);
    picked.done();
    expect(of('a').latencyMs).toBeCloseTo(40, 5);
    expect(of('b').latencyMs).toBeUndefined();
  });

  it('that follows latency shows the resulting shares', () => {
    const { of, pick, clock } = setUp({ a: {}, b: {} }, { balancer: responseTimeWeighted() });
    for (const [id, ms] of [['a', 30], ['b', 10]] as const) {
      const picked = pick(id);
      clock.advance(ms);
      picked.done();
    }
    expect(of('a').share).toBeCloseTo(0.25);
  });

  it('by reports shows the reports, and leaves shares undefined', async () => {
    const reporting = (inFlight: number) =>
      webServer((_request, response) => response.writeHead(200, { [loadHeader]: formatLoadReport({ inFlight, latencyMs: 5 }) }).end());
    const servers = [await reporting(2), await reporting(9)];
    for (const server of servers) closing.push(() => server.kill());
    const [a, b] = servers.map(({ authority }) => ({ port: Number(authority.split(':')[1]) }));
    const { web, of } = setUp({ a: a ?? {}, b: b ?? {} }, { balancer: prequal({ removalsPerRequest: 0 }) });
    for (let n = 0; n < 40; n++) await (await web.fetch('/')).text();
    expect(of('a')).toMatchObject({ share: undefined, report: { latencyMs: 5 } });
  });

  it('that stays with the first instance gives this reason', () => {
    const { of } = setUp({ a: {}, b: {} }, { balancer: pickFirst() });
    expect(of('a')).toMatchObject({ standing: 'eligible', share: 1 });
    expect(of('b')).toMatchObject({ standing: 'spare', reasons: [{ kind: 'preference' }], share: 0 });
  });

  it('without an explanation is assumed to follow weights', () => {
    const { of } = setUp({ a: { weight: 3 }, b: { weight: 1 } }, { balancer: c3() });
    expect([of('a').share, of('b').share]).toEqual([0.75, 0.25]);
  });
});

describe('the service', () => {
  it('has a list from its source, or none yet', () => {
    const { web } = setUp({ a: {} });
    expect(web.explain().list).toEqual({ origin: 'program', revision: 1, stale: false, ageMs: 0 });
    const unknown = new ServiceClient(new StaticSource(), 'web');
    closing.push(() => unknown.close());
    expect(unknown.explain()).toMatchObject({ list: undefined, instances: [], groups: [] });
  });

  it.each([
    ['ready', 0, { a: {}, b: { status: 'critical' as const } }],
    ['panic', 0.6, { a: {}, b: { status: 'critical' as const } }],
    ['critical', 0, { a: { status: 'critical' as const } }],
    ['draining', 0, { a: { status: 'draining' as const } }],
    ['weightless', 0, { a: { weight: 0 } }],
  ])('names the rule by which it chooses: %s', (rule, panicThreshold, given) => {
    const { web } = setUp(given, { panicThreshold });
    expect(web.explain().groups).toEqual([expect.objectContaining({ rule, share: 1, size: Object.keys(given).length })]);
  });

  it('shows the limits of requests', () => {
    const { web } = setUp({ a: {} }, { concurrency: { initial: 30 }, requestsMax: 50, retryBudget: { perSecond: 2 }, hedging: { initialDelayMs: 80 } });
    expect(web.explain()).toMatchObject({
      requests: { inFlight: 0, answering: 0, max: 50 },
      concurrencyMax: 30,
      retriesLeft: 20,
      hedging: { delayMs: 80, left: 10, heldUpMs: 0 },
    });
    expect(setUp({ a: {} }, { hedging: false }).web.explain().hedging).toBeUndefined();
  });

  it('shows the time for which this process was held up while requests waited', async () => {
    const server = await webServer(() => {});
    closing.push(() => server.kill());
    const { web, clock } = setUp({ a: { port: Number(server.authority.split(':')[1]) } }, { hedging: { initialDelayMs: 100 } });
    const abort = new AbortController();
    const asked = new Promise((resolve) => server.server.once('request', resolve));
    const response = web.fetch('/', { signal: abort.signal });
    await asked;
    clock.stall(900);
    clock.advance(0);
    expect(web.explain().hedging?.heldUpMs).toBe(800);
    expect(web.explain().requests.inFlight).toBe(1);
    abort.abort();
    await expect(response).rejects.toThrow();
  });
});
