import { expect, it } from 'vitest';
import { someEndpoints } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { Breakers } from './breaker.ts';

function setUp() {
  const [endpoint, other] = someEndpoints(2) as [Endpoint, Endpoint];
  const states: string[] = [];
  const breakers = new Breakers({}, (_, state) => states.push(state));
  const fail = (count: number, now: number) => {
    for (let n = 0; n < count; n++) breakers.observe(endpoint, false, now);
  };
  return { endpoint, other, breakers, states, fail };
}

it('opens when half of twenty requests failed, for that endpoint only', () => {
  const { endpoint, other, breakers, states, fail } = setUp();
  fail(1, 0);
  for (let n = 0; n < 10; n++) breakers.observe(endpoint, true, 1);
  fail(8, 2);
  expect(breakers.allows(endpoint, 3)).toBe(true);
  fail(1, 3);
  expect([breakers.allows(endpoint, 3), breakers.allows(other, 3)]).toEqual([false, true]);
  expect(states).toEqual(['open']);
});

it('lets one request through after its pause, and closes when that succeeds', () => {
  const { endpoint, breakers, states, fail } = setUp();
  fail(20, 0);
  expect(breakers.allows(endpoint, 4_999)).toBe(false);
  expect(breakers.allows(endpoint, 5_000)).toBe(true);
  breakers.sent(endpoint, 5_000);
  expect(breakers.allows(endpoint, 5_001)).toBe(false);
  breakers.observe(endpoint, true, 5_010);
  expect(breakers.allows(endpoint, 5_010)).toBe(true);
  expect(states).toEqual(['open', 'half-open', 'closed']);
});

it('pauses again when the trial fails, and allows another trial when the first has no outcome', () => {
  const { endpoint, breakers, states, fail } = setUp();
  fail(20, 0);
  breakers.sent(endpoint, 5_000);
  fail(1, 5_010);
  expect(breakers.allows(endpoint, 10_009)).toBe(false);
  breakers.sent(endpoint, 10_010);
  expect(breakers.allows(endpoint, 15_009)).toBe(false);
  expect(breakers.allows(endpoint, 15_010)).toBe(true);
  expect(states).toEqual(['open', 'half-open', 'open', 'half-open']);
});

it('makes the next request the trial when the trial found no connection', () => {
  const { endpoint, breakers, states, fail } = setUp();
  fail(20, 0);
  breakers.sent(endpoint, 5_000);
  // The outcome of a request from before the trial is ignored.
  breakers.unsent(endpoint, 5_005, 4_900);
  expect(breakers.allows(endpoint, 5_009)).toBe(false);
  breakers.unsent(endpoint, 5_010, 5_000);
  expect(breakers.allows(endpoint, 5_010)).toBe(true);
  breakers.sent(endpoint, 5_010);
  expect(breakers.allows(endpoint, 5_011)).toBe(false);
  breakers.observe(endpoint, true, 5_020, 5_010);
  expect(states).toEqual(['open', 'half-open', 'closed']);
});

it('does not count a request that began earlier as the trial', () => {
  const { endpoint, breakers, states, fail } = setUp();
  fail(20, 0.1);
  breakers.sent(endpoint, 5_000.3);
  breakers.observe(endpoint, true, 5_010, 0.1);
  breakers.observe(endpoint, false, 5_011, 4_999.9);
  expect(states).toEqual(['open', 'half-open']);
  breakers.observe(endpoint, true, 5_020.7, 5_020.7 - (5_020.7 - 5_000.3));
  expect(states).toEqual(['open', 'half-open', 'closed']);
});

it('closes in time despite failures of requests that were sent before it opened', () => {
  const { endpoint, breakers, fail } = setUp();
  fail(20, 0);
  fail(30, 4_000);
  expect(breakers.allows(endpoint, 5_000)).toBe(true);
});

it('counts failures of the last ten seconds only', () => {
  const { endpoint, breakers, fail } = setUp();
  fail(19, 0);
  fail(19, 10_000);
  expect(breakers.allows(endpoint, 10_000)).toBe(true);
});
