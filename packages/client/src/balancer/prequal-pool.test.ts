import { expect, it } from 'vitest';
import { PrequalPool } from './prequal-pool.ts';

type Report = [index: number, inFlight: number, latencyMs: number];

const noCharges = new Float64Array(10);
const noneFailing = new Uint8Array(10);

/** Reports that arrive 10 ms apart, beginning at 0; each may be used twice. */
function poolOf(reports: readonly Report[], { sizeMax = 16, charges = noCharges, failing = noneFailing } = {}): PrequalPool & { now: Float64Array } {
  const now = new Float64Array(1);
  const pool = Object.assign(new PrequalPool(sizeMax, now), { now });
  reports.forEach(([index, inFlight, latencyMs], n) => {
    pool.now[0] = n * 10;
    pool.put(index, inFlight, { inFlight, latencyMs }, 2);
  });
  pool.refresh(1000, charges, failing);
  return pool;
}

const members = (pool: PrequalPool) => [...pool.indices.subarray(0, pool.size)].toSorted((a, b) => a - b);
const bestOf = (pool: PrequalPool, threshold: number, excluded?: Uint8Array) => pool.indices[pool.best(threshold, excluded)];
const worstOf = (pool: PrequalPool, threshold: number) => pool.indices[pool.worst(threshold)];

it.each<[what: string, reports: Report[], best: number, worst: number]>([
  ['the fastest of the cold, however many requests it has', [[0, 5, 20], [1, 0, 30], [2, 6, 1]], 0, 2],
  ['the least loaded when all are hot, however slow', [[0, 9, 1], [1, 6, 99], [2, 8, 50]], 1, 0],
  ['a cold one however slow', [[0, 6, 1], [1, 5, 999], [2, 7, 1]], 1, 2],
  ['the slowest as the worst when none is hot', [[0, 1, 40], [1, 5, 80], [2, 2, 60]], 0, 1],
])('takes %s', (_what, reports, best, worst) => {
  const pool = poolOf(reports);
  expect(bestOf(pool, 5)).toBe(best);
  expect(worstOf(pool, 5)).toBe(worst);
});

it('adds the cost of failures to the latency', () => {
  const charges = Float64Array.from([300, 0, 0]);
  const pool = poolOf([[0, 0, 5], [1, 1, 100], [2, 1, 400]], { charges });
  expect(bestOf(pool, 5)).toBe(1);
  expect(worstOf(pool, 5)).toBe(2);
});

it('chooses a failing endpoint last, after hot ones', () => {
  const pool = poolOf([[0, 0, 5], [1, 9, 100], [2, 8, 400]], { failing: Uint8Array.from([1, 0, 0]) });
  expect(bestOf(pool, 5)).toBe(2);
  expect(worstOf(pool, 5)).toBe(0);
  expect(bestOf(pool, 5, Uint8Array.from([0, 1, 1]))).toBe(0);
});

it('leaves out excluded endpoints', () => {
  const pool = poolOf([[0, 0, 5], [1, 0, 6], [2, 0, 7]]);
  expect(bestOf(pool, 5, Uint8Array.from([1, 0, 0]))).toBe(1);
  expect(pool.countBesides(Uint8Array.from([1, 0, 0]))).toBe(2);
  expect(pool.best(5, Uint8Array.from([1, 1, 1]))).toBe(-1);
});

it('counts a request that it sends, so that the endpoint becomes hot', () => {
  const pool = poolOf([[0, 4, 5], [1, 4, 50]]);
  pool.put(0, 4, { inFlight: 4, latencyMs: 5 }, 9);
  for (const expected of [0, 0, 1]) {
    const slot = pool.best(5, undefined);
    expect(pool.indices[slot]).toBe(expected);
    pool.use(slot);
  }
});

it('uses a report up to its limit, then drops it', () => {
  const pool = poolOf([[0, 0, 5], [1, 0, 50]]);
  pool.use(pool.slotOf(0));
  expect(members(pool)).toEqual([0, 1]);
  pool.use(pool.slotOf(0));
  expect(members(pool)).toEqual([1]);
});

it('keeps one report of an endpoint: the newest', () => {
  const pool = poolOf([[0, 9, 90], [1, 1, 50], [0, 0, 5]]);
  expect(members(pool)).toEqual([0, 1]);
  expect(bestOf(pool, 5)).toBe(0);
  pool.now[0] = 19; // asked before the newest was heard
  pool.put(0, 9, { inFlight: 9, latencyMs: 900 }, 2);
  pool.now[0] = 30;
  pool.refresh(1000, noCharges, noneFailing);
  expect(bestOf(pool, 5)).toBe(0);
});

it('replaces the oldest when it is full, and drops it first when it must shrink', () => {
  const pool = poolOf([[0, 0, 1], [1, 0, 1], [2, 0, 1], [3, 0, 1]], { sizeMax: 3 });
  expect(members(pool)).toEqual([1, 2, 3]);
  pool.limit(2);
  expect(members(pool)).toEqual([2, 3]);
});

it('drops reports that are too old', () => {
  const pool = poolOf([[0, 0, 1], [1, 0, 1], [2, 0, 1]]);
  pool.now[0] = 1010;
  pool.refresh(1000, noCharges, noneFailing);
  expect(members(pool)).toEqual([1, 2]);
});

it('keeps the reports of endpoints that stay, even at another position in the list', () => {
  const pool = poolOf([[0, 0, 10], [1, 0, 5], [2, 0, 20]]);
  pool.renumber(Int32Array.from([4, -1, 0]));
  expect(members(pool)).toEqual([0, 4]);
  expect(bestOf(pool, 5)).toBe(4);
});
