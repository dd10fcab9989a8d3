import { expect, it } from 'vitest';
import { someEndpoints } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { type Reach, Reachability } from './reachability.ts';

function setUp(count: number, reach?: Reach) {
  const endpoints = someEndpoints(count);
  const reachability = new Reachability({ baseMs: 1000, maxMs: 30_000, reach });
  const inAt = (now: number) => {
    if (now >= reachability.nextCheck) reachability.check(now);
    return reachability.filter(endpoints).map(({ instance }) => instance.id);
  };
  const at = (index: number) => endpoints[index] as Endpoint;
  return { endpoints, reachability, inAt, at };
}

/** Checks whose outcome the test decides. */
function checks() {
  const open: { readonly endpoint: Endpoint; readonly answer: (reached: boolean) => Promise<void> }[] = [];
  const reach: Reach = (endpoint) => {
    let answer = (_reached: boolean) => {};
    const promise = new Promise<boolean>((resolve) => (answer = resolve));
    open.push({
      endpoint,
      async answer(reached) {
        answer(reached);
        await promise;
      },
    });
    return promise;
  };
  return { open, reach };
}

it('leaves out four of five endpoints, and uses all again when the fifth fails, too', () => {
  const { reachability, inAt, at } = setUp(5);
  for (const index of [0, 1, 2, 3]) expect(reachability.lost(at(index), 0)).toBe(1000);
  expect(inAt(0)).toEqual(['web-4']);
  expect(reachability.allOut).toBe(false);
  reachability.lost(at(4), 0);
  expect(inAt(0)).toHaveLength(5);
  expect(reachability.allOut).toBe(true);
});

it('checks without requests, waits twice as long after each failure, and uses an endpoint again that accepts a connection', async () => {
  const { open, reach } = checks();
  const { reachability, inAt, at } = setUp(2, reach);
  reachability.lost(at(0), 0);
  const waits: number[] = [];
  let now = 0;
  for (let round = 0; round < 7; round++) {
    expect(inAt(now)).toEqual(['web-1']);
    waits.push(reachability.nextCheck - now);
    now = reachability.nextCheck;
    inAt(now);
    // One check at a time, and no request in the meantime.
    expect([open.length, inAt(now + 500)]).toEqual([1, ['web-1']]);
    await open.pop()?.answer(round === 6);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(inAt(now)).toEqual(['web-0', 'web-1']);
});

it('waits longer for an endpoint that accepts checks but no requests, until it answers a request', async () => {
  const { open, reach } = checks();
  const { reachability, inAt, at } = setUp(2, reach);
  reachability.lost(at(0), 0);
  inAt(0);
  inAt(1000);
  await open.pop()?.answer(true);
  inAt(1000);
  expect(reachability.lost(at(0), 1100)).toBe(2000);
  inAt(1100);
  inAt(3100);
  await open.pop()?.answer(true);
  expect(reachability.met(at(0))).toBe(false);
  expect(reachability.lost(at(0), 4000)).toBe(1000);
});

it('checks every second while all are out, even after long waits', async () => {
  const { open, reach } = checks();
  const { reachability, inAt, at } = setUp(2, reach);
  reachability.lost(at(0), 0);
  inAt(0);
  for (const now of [1000, 3000, 7000]) {
    inAt(now);
    await open.pop()?.answer(false);
  }
  inAt(7000);
  expect(reachability.nextCheck).toBe(15_000);
  reachability.lost(at(1), 7500);
  inAt(7500);
  expect(reachability.nextCheck).toBe(8000);
});

it('uses an endpoint again as soon as a request has connected to it', () => {
  const { reachability, inAt, at } = setUp(3);
  for (const index of [0, 1, 2]) reachability.lost(at(index), 0);
  expect(reachability.met(at(1))).toBe(true);
  expect(inAt(0)).toEqual(['web-1']);
});

it('limits the checks that run at once', () => {
  const { open, reach } = checks();
  const { reachability, inAt, endpoints } = setUp(100, reach);
  for (const endpoint of endpoints) reachability.lost(endpoint, 0);
  inAt(0);
  inAt(5000);
  inAt(5001);
  expect(open).toHaveLength(8);
});

it('ignores the result of a check whose endpoint was removed', async () => {
  const { open, reach } = checks();
  const { reachability, inAt, at } = setUp(2, reach);
  reachability.lost(at(0), 0);
  inAt(0);
  inAt(1000);
  reachability.forget(at(0));
  expect(inAt(1000)).toHaveLength(2);
  await open.pop()?.answer(false);
  expect(inAt(1000)).toHaveLength(2);
});
