/** How weights of zones follow load: alone, and in a closed loop with zones whose load follows their weight. */

import { expect, test } from 'vitest';
import { ZoneFactors, type ZoneState } from './zone-factors.ts';

const at = (zone: string, inProgress: number, more: Partial<ZoneState> = {}): ZoneState => ({ region: 'eu', zone, weight: 3, ready: 3, inProgress, ...more });

test('a zone with much more load loses at most a tenth a step, and keeps a little', () => {
  const factors = new ZoneFactors();
  const seen: number[] = [];
  for (let step = 0; step < 30; step++) {
    factors.step([at('a', 3_000), at('b', 3)]);
    seen.push(factors.of('eu', 'a'));
  }
  expect(seen.slice(0, 3)).toEqual([0.9, 0.8, 0.7]);
  expect(seen.at(-1)).toBe(0.03);
  expect(factors.of('eu', 'b')).toBe(1);
});

test('it comes back in small steps when its load ends, and nothing is weighed then', () => {
  const factors = new ZoneFactors();
  for (let step = 0; step < 30; step++) factors.step([at('a', 3_000), at('b', 3)]);
  let last = factors.of('eu', 'a');
  for (let step = 0; step < 40; step++) {
    factors.step([at('a', 0), at('b', 0)]);
    expect(factors.of('eu', 'a') - last).toBeLessThanOrEqual(0.1 + 1e-9);
    last = factors.of('eu', 'a');
  }
  expect(last).toBe(1);
  expect(factors.parts).toEqual([]);
});

test.each<[string, readonly ZoneState[]]>([
  ['is within a fifth', [at('a', 30), at('b', 27)]],
  ['is less than one request for each instance', [at('a', 2), at('b', 0)]],
  ['belongs to instances of more weight', [at('a', 60, { weight: 6 }), at('b', 30)]],
  ['is in another region', [at('a', 300), at('b', 3, { region: 'us' })]],
  ['is compared with a zone without instances', [at('a', 300), at('b', 0, { weight: 0, ready: 0 })]],
])('a difference changes nothing when it %s', (_name, zones) => {
  const factors = new ZoneFactors();
  for (let step = 0; step < 20; step++) expect(factors.step(zones)).toBe(false);
});

test('in a closed loop the weights settle: a zone that is four times as slow gets less, and the steps do not swing', () => {
  const factors = new ZoneFactors();
  const shares: number[] = [];
  for (let step = 0; step < 100; step++) {
    const [a, b] = [factors.of('eu', 'a'), factors.of('eu', 'b')];
    const share = a / (a + b);
    // Requests under way are the rate times the time that one takes.
    factors.step([at('a', 1_000 * share * 0.1), at('b', 1_000 * (1 - share) * 0.025)]);
    shares.push(share);
  }
  const settled = shares.slice(50);
  expect(Math.max(...settled) - Math.min(...settled)).toBeLessThan(0.02);
  expect(settled[0]).toBeGreaterThan(0.2);
  expect(settled[0]).toBeLessThan(0.4);
});

test('forgets a zone that is gone', () => {
  const factors = new ZoneFactors();
  for (let step = 0; step < 5; step++) factors.step([at('a', 3_000), at('b', 3)]);
  factors.step([at('b', 3)]);
  expect([factors.of('eu', 'a'), factors.parts]).toEqual([1, []]);
});

test('goes on from the parts that another node has come to, without a step back', () => {
  const one = new ZoneFactors();
  const zones = [at('a', 600), at('b', 60)];
  for (let step = 0; step < 6; step++) one.step(zones);
  const { parts: [part, ...others] } = one;
  expect([part?.zone, others]).toEqual(['a', []]);
  expect(part?.percent).toBeLessThan(60);
  const next = new ZoneFactors(one.parts);
  expect(next.parts).toEqual(one.parts);
  one.step(zones);
  next.step(zones);
  expect(next.of('eu', 'a')).toBeLessThanOrEqual((part?.percent ?? 0) / 100);
  expect(Math.abs(next.of('eu', 'a') - one.of('eu', 'a'))).toBeLessThan(0.05);
});
