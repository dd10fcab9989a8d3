import { describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { RateLimit, groupOf } from './rate-limit.ts';

function admitted(limit: RateLimit, address: string, queries: number): number {
  let count = 0;
  for (let n = 0; n < queries; n++) if (limit.admits(address)) count++;
  return count;
}

describe('the rate limit', () => {
  it('admits a burst of one second, then the rate', () => {
    const clock = manualClock();
    const limit = new RateLimit(clock, 100);
    expect(admitted(limit, '10.0.0.1', 500)).toBe(100);
    clock.advance(50);
    expect(admitted(limit, '10.0.0.1', 500)).toBe(5);
    clock.advance(60_000);
    expect(admitted(limit, '10.0.0.1', 500)).toBe(100);
  });

  it('protects each client from others', () => {
    const limit = new RateLimit(manualClock(), 100);
    expect(admitted(limit, '10.0.0.1', 1_000)).toBe(100);
    expect(admitted(limit, '10.0.0.2', 50)).toBe(50);
  });

  it('counts a network of IPv6 as one, and does not count this machine', () => {
    const limit = new RateLimit(manualClock(), 10);
    for (let host = 1; host <= 10; host++) expect(limit.admits(`2001:db8:0:1::${host}`)).toBe(true);
    expect(limit.admits('2001:db8:0:1::ffff')).toBe(false);
    expect(limit.admits('2001:db8:0:2::1')).toBe(true);
    for (const own of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
      expect(admitted(limit, own, 1_000)).toBe(1_000);
    }
  });

  it('counts long answers as several queries', () => {
    const clock = manualClock();
    const limit = new RateLimit(clock, 100);
    let count = 0;
    for (let n = 0; n < 500; n++) {
      if (!limit.admits('10.0.0.1')) continue;
      count++;
      limit.charge('10.0.0.1', 2);
    }
    // Each query costs 1 and its answer 2: a third of 100 queries, and one more that uses up the rest.
    expect(count).toBe(34);
    clock.advance(30);
    expect(limit.admits('10.0.0.1')).toBe(true);
    limit.charge('127.0.0.1', 1_000);
    expect(limit.admits('127.0.0.1')).toBe(true);
  });

  it('remembers a limited number of addresses, under any load', () => {
    const clock = manualClock();
    const limit = new RateLimit(clock, 10);
    admitted(limit, '192.0.2.1', 100);
    for (let n = 0; n < 100_000; n++) limit.admits(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    expect(limit.size).toBeLessThanOrEqual(16_384);
  });

  it('remembers an address that stays over the limit, even during a flood', () => {
    const clock = manualClock();
    const limit = new RateLimit(clock, 10);
    let passed = 0;
    for (let n = 0; n < 50_000; n++) {
      if (limit.admits('192.0.2.1')) passed++;
      limit.admits(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    }
    expect(passed).toBe(10);
  });

  it('of infinity admits everything', () => {
    expect(admitted(new RateLimit(manualClock(), Infinity), '10.0.0.1', 100_000)).toBe(100_000);
  });
});

describe('addresses that share a limit', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::', '0:0:0:0'],
    ['::1', undefined],
    ['127.0.0.1', undefined],
  ])('%s: %s', (address, group) => {
    expect(groupOf(address)).toBe(group);
  });
});
