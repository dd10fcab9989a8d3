import { describe, expect, it } from 'vitest';
import { LoadMeter, type MeteredRequest } from '../load-report/load-meter.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { BalancerFactory } from './balancer.ts';
import { leastRequest } from './least-request.ts';
import { peakEwma } from './peak-ewma.ts';
import { prequal } from './prequal.ts';
import { normal, simulate, type Simulated, someEndpoints } from './simulation.case.ts';

/**
 * Backends with load from other clients: `others(backend, now)` is the number of their requests in flight, and each
 * request there takes that number times 10 ms. This client sends too few requests to see that load in its own counts.
 */
function shared(balancer: BalancerFactory, others: (backend: number, now: number) => number, seed: number) {
  const clock = { now: 0, monotonic: () => clock.now };
  const meters = Array.from({ length: 20 }, () => new LoadMeter(clock));
  const foreign: MeteredRequest[][] = meters.map(() => []);
  return simulate({
    balancer,
    endpoints: someEndpoints(20),
    serve(backend, now, random) {
      clock.now = now;
      meters.forEach((meter, index) => {
        const running = foreign[index]!;
        while (running.length < others(index, now)) running.push(meter.begin());
        while (running.length > others(index, now)) running.pop()!.end('failed');
      });
      const latencyMs = Math.max(1, (others(backend, now) + 1) * normal(10, 2, random));
      const simulated: Simulated & { readonly load: LoadReport } = { latencyMs, result: 'ok', load: meters[backend]!.report() };
      return simulated;
    },
    perSecond: 100,
    seconds: 60,
    seed,
  });
}

const percentile = (values: readonly number[], share: number) => values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!;

describe('backends whose load comes from the requests of other clients', () => {
  // At any time a quarter of the backends has 20 requests of others in flight instead of 2; it changes each second.
  const others = (backend: number, now: number) => ((backend + Math.floor(now / 1000)) % 4 === 0 ? 20 : 2);

  it.each([1, 2, 3])('Prequal avoids loaded backends that this client’s own counts do not show (seed %i)', (seed) => {
    const p90 = (balancer: BalancerFactory) => percentile(shared(balancer, others, seed).map(({ latencyMs }) => latencyMs), 0.9);
    expect(p90(prequal())).toBeLessThan(40);
    expect(p90(peakEwma())).toBeGreaterThan(60);
    expect(p90(leastRequest())).toBeGreaterThan(60);
  });

  it('the same seed gives the same run', () => {
    expect(shared(prequal(), others, 5)).toEqual(shared(prequal(), others, 5));
  });
});
