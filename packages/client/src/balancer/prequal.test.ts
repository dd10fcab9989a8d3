import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import { balancerCases } from './balancer.case.ts';
import type { Balancer, Probing } from './balancer.ts';
import { prequal, type PrequalOptions } from './prequal.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';

balancerCases('Prequal without reports', prequal(), 0.12);

/** Never rounds a budget up, and removes reports only if a test asks for it. */
function setUp(count: number, options: PrequalOptions = {}): { balancer: Balancer; endpoints: Endpoint[] } {
  const balancer = prequal({ removalsPerRequest: 0, poolSize: 16, ...options })(new SeededRandom(1));
  const endpoints = someEndpoints(count);
  balancer.update(endpoints);
  return { balancer, endpoints };
}

function report(balancer: Balancer, endpoint: Endpoint | undefined, load: LoadReport, now = 0): void {
  balancer.observe(endpoint!, { now, latencyMs: 50, result: 'ok', load });
}

const pickAt = (balancer: Balancer, now: number, exclude: Endpoint[] = []) => balancer.pick({ now, exclude });

it('leaves a loaded endpoint, however many of the reports came from it', () => {
  const { balancer, endpoints } = setUp(3, { removalsPerRequest: 0.25 });
  for (const index of [1, 2]) report(balancer, endpoints[index], { inFlight: 1, latencyMs: 2 });
  // It has answered no request that counts, so its latency is unknown.
  for (let n = 0; n < 200; n++) report(balancer, endpoints[0], { inFlight: 50 });
  const picked = [0, 0, 0];
  for (let now = 1; now <= 200; now++) {
    const endpoint = pickAt(balancer, now)!;
    const index = endpoints.indexOf(endpoint);
    picked[index]! += 1;
    report(balancer, endpoint, index === 0 ? { inFlight: 50 } : { inFlight: 1, latencyMs: 2 }, now);
  }
  // Sometimes there are too few reports; then the client's own view decides.
  expect(picked[0]).toBeLessThan(30);
});

describe('reports with answers', () => {
  it('decide: the fastest that is not hot', () => {
    const { balancer, endpoints } = setUp(40);
    report(balancer, endpoints[7], { inFlight: 9, latencyMs: 1 });
    report(balancer, endpoints[3], { inFlight: 2, latencyMs: 30 });
    report(balancer, endpoints[5], { inFlight: 1, latencyMs: 90 });
    expect(pickAt(balancer, 1)).toBe(endpoints[3]);
  });

  it('count one more request in flight for each request sent to the endpoint since', () => {
    const { balancer, endpoints } = setUp(4, { removalsPerRequest: 0.25 });
    report(balancer, endpoints[0], { inFlight: 0, latencyMs: 10 });
    report(balancer, endpoints[1], { inFlight: 2, latencyMs: 20 });
    const picks = [1, 2, 3].map((now) => pickAt(balancer, now));
    expect(picks).toEqual([endpoints[0], endpoints[0], endpoints[0]]);
    expect(pickAt(balancer, 4)).toBe(endpoints[1]);
  });

  it('are used up, and then the client’s own view decides', () => {
    const { balancer, endpoints } = setUp(1000);
    // Each good for (1 + 1) ÷ (1 − 16/1000), about two requests.
    report(balancer, endpoints[1], { inFlight: 0, latencyMs: 10 });
    report(balancer, endpoints[2], { inFlight: 0, latencyMs: 20 });
    const picks = new Set(Array.from({ length: 40 }, (_, now) => pickAt(balancer, now)));
    expect(picks.size).toBeGreaterThan(30);
  });

  it('are too old after a second', () => {
    const { balancer, endpoints } = setUp(4, { removalsPerRequest: 0.5 });
    report(balancer, endpoints[0], { inFlight: 0, latencyMs: 1 });
    report(balancer, endpoints[1], { inFlight: 0, latencyMs: 5 });
    expect(pickAt(balancer, 1000)).toBe(endpoints[0]);
    const late = new Set(Array.from({ length: 40 }, () => pickAt(balancer, 1001)));
    expect(late.size).toBeGreaterThan(1);
  });

  it('are dropped when their endpoint leaves the list', () => {
    const { balancer, endpoints } = setUp(6);
    for (const index of [0, 1, 2]) report(balancer, endpoints[index], { inFlight: 0, latencyMs: 10 * (index + 1) });
    balancer.update(endpoints.slice(1));
    expect(pickAt(balancer, 1)).toBe(endpoints[1]);
    balancer.update(endpoints);
    expect(pickAt(balancer, 1)).toBe(endpoints[2]);
  });

  it('never make a retry go to an endpoint that was already tried', () => {
    const { balancer, endpoints } = setUp(8);
    for (const index of [0, 1, 2]) report(balancer, endpoints[index], { inFlight: 0, latencyMs: 10 * (index + 1) });
    expect(pickAt(balancer, 1, [endpoints[0]!])).toBe(endpoints[1]);
    for (let n = 0; n < 20; n++) expect([endpoints[0], endpoints[1]]).not.toContain(pickAt(balancer, 2, [endpoints[0]!, endpoints[1]!]));
  });
});

it('ignores a report without requests in flight', () => {
  const endpoints = someEndpoints(4);
  const balancer = prequal()(new SeededRandom(1));
  balancer.update(endpoints);
  endpoints.forEach((endpoint, index) => report(balancer, endpoint, index < 2 ? { inFlight: 3, latencyMs: 50 } : { latencyMs: 1, utilization: 0.5 }));
  expect(endpoints.slice(0, 2)).toContain(balancer.pick({ now: 0, exclude: [] }));
});

it('avoids an endpoint whose failures keep its load low, even when all others are hot', () => {
  const { balancer, endpoints } = setUp(10);
  for (const endpoint of endpoints) report(balancer, endpoint, { inFlight: 3, latencyMs: 100 });
  for (let now = 1; now < 50; now++) {
    report(balancer, endpoints[1 + (now % 9)], { inFlight: 3 + now, latencyMs: 100 }, now);
    balancer.observe(endpoints[0]!, { now, latencyMs: 1, result: 'failed', load: { inFlight: 0, latencyMs: 1 } });
    expect(pickAt(balancer, now)).not.toBe(endpoints[0]);
  }
});

describe('probes', () => {
  /** A probe that answers when the test tells it to. */
  function probing() {
    const asked: { endpoint: Endpoint; answer: (load?: LoadReport) => Promise<void>; fail: () => Promise<void> }[] = [];
    const clock = { time: 0, monotonic: () => clock.time };
    const probe = (endpoint: Endpoint) =>
      new Promise<LoadReport | undefined>((resolve, reject) => {
        // The balancer gets the answer in the next microtask.
        const answer = (load?: LoadReport) => Promise.resolve(resolve(load)).then(() => undefined);
        const fail = () => Promise.resolve(reject(new Error('gone'))).then(() => undefined);
        asked.push({ endpoint, answer, fail });
      });
    return { asked, clock, probe };
  }

  it('go to different endpoints at random, in the number that the options give', () => {
    const port = probing();
    const { balancer, endpoints } = setUp(100, { probesPerRequest: 3, probing: port });
    pickAt(balancer, 0);
    expect(new Set(port.asked.map(({ endpoint }) => endpoint)).size).toBe(3);
    for (let n = 0; n < 400; n++) {
      for (const { answer } of port.asked) void answer();
      pickAt(balancer, 0);
    }
    expect(new Set(port.asked.map(({ endpoint }) => endpoint)).size).toBeGreaterThan(60);
    expect(endpoints).toHaveLength(100);
  });

  it('may be fewer than one a request', () => {
    const port = probing();
    const { balancer } = setUp(1000, { probesPerRequest: 0.25, probing: port });
    for (let n = 0; n < 40; n++) pickAt(balancer, n);
    expect(port.asked).toHaveLength(10);
  });

  it('serve later requests', async () => {
    const port = probing();
    const { balancer } = setUp(100, { probesPerRequest: 3, probing: port });
    pickAt(balancer, 0);
    const [slow, fast, hot] = port.asked as [(typeof port.asked)[0], (typeof port.asked)[0], (typeof port.asked)[0]];
    await slow.answer({ inFlight: 1, latencyMs: 80 });
    await fast.answer({ inFlight: 2, latencyMs: 20 });
    await hot.answer({ inFlight: 9, latencyMs: 1 });
    expect(pickAt(balancer, 1)).toBe(fast.endpoint);
  });

  it('count as measured when the probe was sent', async () => {
    const port = probing();
    const { balancer } = setUp(100, { probesPerRequest: 2, probing: port });
    pickAt(balancer, 0);
    port.clock.time = 5000;
    for (const { answer } of port.asked) await answer({ inFlight: 0, latencyMs: 1 });
    const asked = port.asked.map(({ endpoint }) => endpoint);
    const picks = Array.from({ length: 10 }, () => pickAt(balancer, 5000));
    expect(picks.filter((picked) => asked.includes(picked!)).length).toBeLessThan(3);
  });

  it('skip an endpoint whose last probe is unanswered; at most 64 are unanswered', async () => {
    const port = probing();
    const { balancer } = setUp(3, { probesPerRequest: 3, probing: port });
    for (let n = 0; n < 50; n++) pickAt(balancer, n);
    expect(port.asked).toHaveLength(3);
    await port.asked[0]!.fail();
    await port.asked[1]!.answer();
    for (let n = 50; n < 100; n++) pickAt(balancer, n);
    expect(port.asked).toHaveLength(5);
    const many = probing();
    const large = setUp(1000, { probesPerRequest: 10, probing: many });
    for (let n = 0; n < 100; n++) pickAt(large.balancer, n);
    expect(many.asked).toHaveLength(64);
  });

  it('become fewer while many requests are in flight', async () => {
    const counts = [];
    for (const inFlight of [0, 100, 550, 1000, 5000]) {
      const asked: Endpoint[] = [];
      const probe = (endpoint: Endpoint) => {
        asked.push(endpoint);
        return Promise.resolve(undefined);
      };
      const endpoints = someEndpoints(2000);
      endpoints[0]!.inFlight = inFlight;
      const probing = { probe, clock: { monotonic: () => 0 } };
      const { balancer } = setUp(0, { probesPerRequest: 1, probing });
      balancer.update(endpoints);
      for (let n = 0; n < 61; n++) {
        balancer.pick({ now: n, exclude: [] });
        await Promise.resolve(); // the answer is heard
      }
      counts.push(asked.length);
    }
    expect(counts).toEqual([61, 61, 40, 20, 20]);
  });

  it('wait for a first report, unless the options have a way to ask', () => {
    const port: Probing & { asked: unknown[] } = probing();
    const balancer = prequal({ probesPerRequest: 1 })(new SeededRandom(1), port);
    const endpoints = someEndpoints(9);
    balancer.update(endpoints);
    for (let n = 0; n < 10; n++) pickAt(balancer, n);
    expect(port.asked).toHaveLength(0);
    report(balancer, endpoints[0], { inFlight: 1 }, 10);
    pickAt(balancer, 11);
    expect(port.asked).toHaveLength(1);
  });

  it('stop when the list is empty', () => {
    const port = probing();
    const { balancer } = setUp(5, { probesPerRequest: 3, probing: port });
    balancer.update([]);
    expect(pickAt(balancer, 0)).toBeUndefined();
    expect(port.asked).toHaveLength(0);
  });
});

it.each<[PrequalOptions, string]>([
  [{ probesPerRequest: -1 }, 'probesPerRequest is -1; it must be 0 or more'],
  [{ removalsPerRequest: 17 }, 'removalsPerRequest is 17; it must be from 0 to 16'],
  [{ hotQuantile: 1.1 }, 'hotQuantile is 1.1; it must be from 0 to 1'],
  [{ poolSize: 1 }, 'poolSize is 1; it must be a whole number from 2 to 1024'],
  [{ failureMs: Number.NaN }, 'failureMs is NaN; it must be 0 or more'],
])('refuses %o', (options, message) => {
  expect(() => prequal(options)).toThrow(message);
});
