import fc from 'fast-check';
import { expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { LoadMeter, type MeteredResult } from './load-meter.ts';

function setUp() {
  const clock = manualClock();
  const meter = new LoadMeter(clock);
  const request = (latencyMs: number, result: MeteredResult = 'ok') => {
    const begun = meter.begin();
    clock.advance(latencyMs);
    begun.end(result);
  };
  /** Requests that arrive while `load` other requests are in flight. */
  const atLoad = (load: number, latencies: readonly number[]) => {
    const others = Array.from({ length: load }, () => meter.begin());
    for (const latencyMs of latencies) request(latencyMs);
    for (const other of others) other.end('failed');
  };
  return { clock, meter, request, atLoad };
}

it('counts requests in flight, and each end once', () => {
  const { meter } = setUp();
  const [first, second] = [meter.begin(), meter.begin()];
  expect(meter.report()).toEqual({ inFlight: 2 });
  expect(meter.reportWithAnswer()).toEqual({ inFlight: 1 });
  first.end('cancelled');
  first.end('ok');
  expect(meter.inFlight).toBe(1);
  second.end('ok');
  expect(meter.inFlight).toBe(0);
  expect(meter.reportWithAnswer().inFlight).toBe(0);
});

it('counts down after every outcome of the requests', () => {
  const results = fc.array(fc.constantFrom<MeteredResult>('ok', 'failed', 'cancelled'), { maxLength: 50 });
  fc.assert(
    fc.property(results, (all) => {
      const { meter } = setUp();
      const begun = all.map(() => meter.begin());
      begun.forEach((one, index) => one.end(all[index]!));
      expect(meter.inFlight).toBe(0);
    }),
  );
});

it('reports the median, not the mean, of the latest 128', () => {
  const { meter, request } = setUp();
  for (let n = 0; n < 200; n++) request(90);
  for (let n = 0; n < 128; n++) request(n < 80 ? 10 : 500);
  expect(meter.report()).toEqual({ inFlight: 0, latencyMs: 10 });
});

it('reports the latency of requests that arrived at the present load', () => {
  const { meter, atLoad } = setUp();
  atLoad(0, Array.from({ length: 150 }, () => 10));
  atLoad(8, Array.from({ length: 150 }, () => 80));
  expect(meter.report().latencyMs).toBe(10);
  const others = Array.from({ length: 7 }, () => meter.begin());
  expect(meter.report()).toEqual({ inFlight: 7, latencyMs: 80 });
  for (const other of others) other.end('failed');
});

it('uses all samples while there are few', () => {
  const { meter, atLoad } = setUp();
  atLoad(3, [10, 30, 90]);
  expect(meter.report().latencyMs).toBe(30);
});

it('does not count fast failures as low latency', () => {
  const { meter, request } = setUp();
  request(1, 'failed');
  expect(meter.report()).toEqual({ inFlight: 0 });
  request(50);
  for (let n = 0; n < 100; n++) request(1, 'failed');
  expect(meter.report().latencyMs).toBe(50);
});

it('uses the time of an abandoned request as a lower bound', () => {
  const { meter, request } = setUp();
  for (let n = 0; n < 21; n++) request(50);
  for (let n = 0; n < 60; n++) request(1, 'cancelled');
  expect(meter.report().latencyMs).toBe(50);
  for (let n = 0; n < 60; n++) request(5000, 'cancelled');
  expect(meter.report().latencyMs).toBe(5000);
});

it('asks for the utilisation with each report, and leaves it out while it is unknown', () => {
  let utilization: number | undefined;
  const meter = new LoadMeter(manualClock(), () => utilization);
  expect(meter.report()).toEqual({ inFlight: 0 });
  utilization = 0.5;
  expect(meter.report()).toEqual({ inFlight: 0, utilization: 0.5 });
});

it('drops samples after a minute', () => {
  const { clock, meter, request } = setUp();
  request(50);
  clock.advance(59_900);
  expect(meter.report().latencyMs).toBe(50);
  clock.advance(200);
  expect(meter.report()).toEqual({ inFlight: 0 });
});

it('agrees with a plain computation over random loads', () => {
  const steps = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 99 })), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.nat(6), (requests, load) => {
      const { clock, meter, atLoad } = setUp();
      for (const [at, latencyMs] of requests) atLoad(at, [latencyMs]);
      clock.advance(1000);
      const others = Array.from({ length: load }, () => meter.begin());
      const byDistance = requests
        .map(([at, latencyMs], index) => ({ latencyMs, index, distance: Math.abs(at - load) }))
        .toSorted((a, b) => a.distance - b.distance || b.index - a.index)
        .slice(0, 128)
        .map(({ latencyMs }) => latencyMs)
        .toSorted((a, b) => a - b);
      expect(meter.report().latencyMs).toBe(byDistance[(byDistance.length - 1) >> 1]);
      for (const other of others) other.end('failed');
    }),
    { numRuns: 50 },
  );
});
