/** The limiter slows down addresses that guess tokens, and leaves callers with valid tokens alone. */

import { describe, expect, it } from 'vitest';
import { addressKey, FailureLimiter } from './failure-limiter.ts';

const limits = { burst: 3, perSecond: 2, addressesMax: 3, tokensMax: 2 };

describe('the limiter', () => {
  it('lets an address fail a few times, and then at a fixed rate', () => {
    const limiter = new FailureLimiter(limits);
    for (let n = 0; n < 3; n++) expect(limiter.judge('a', undefined, 0)).toBeUndefined();
    expect(limiter.judge('a', undefined, 0)).toBe(500);
    expect(limiter.judge('a', undefined, 250)).toBe(250);
    expect(limiter.judge('a', undefined, 500)).toBeUndefined();
    expect(limiter.judge('a', undefined, 500)).toBe(500);
    expect(limiter.judge('b', undefined, 500)).toBeUndefined();
  });

  it('accepts only tokens that were valid before while the bucket is empty', () => {
    const limiter = new FailureLimiter(limits);
    expect(limiter.judge('a', 'known', 0)).toBeUndefined();
    for (let n = 0; n < 4; n++) limiter.judge('a', undefined, 0);
    expect(limiter.judge('a', 'known', 0)).toBeUndefined();
    // A correct guess is refused like a wrong one until the bucket has filled.
    expect(limiter.judge('a', 'guessed', 0)).toBe(500);
    expect(limiter.judge('a', 'guessed', 500)).toBeUndefined();
  });

  it('does not count valid tokens', () => {
    const limiter = new FailureLimiter(limits);
    for (let n = 0; n < 100; n++) expect(limiter.judge('a', `token ${n}`, 0)).toBeUndefined();
  });

  it('drops the least recently used address when the table is full', () => {
    const limiter = new FailureLimiter(limits);
    for (let n = 0; n < 4; n++) limiter.judge('loud', undefined, n);
    for (const [index, address] of ['b', 'c'].entries()) limiter.judge(address, undefined, 10 + index);
    limiter.judge('loud', undefined, 20);
    limiter.judge('d', undefined, 21);
    expect(limiter.size).toBe(3);
    expect(limiter.judge('loud', undefined, 22)).toBeGreaterThan(0);
    for (let n = 0; n < 10_000; n++) limiter.judge(`many ${n}`, undefined, 30);
    expect(limiter.size).toBe(3);
  });

  it('fills the bucket up to its size, and adds nothing while the clock stands still', () => {
    const limiter = new FailureLimiter(limits);
    limiter.judge('a', undefined, 1_000_000);
    for (let n = 0; n < 3; n++) expect(limiter.judge('a', undefined, 9_000_000)).toBeUndefined();
    expect(limiter.judge('a', undefined, 9_000_000)).toBe(500);
  });
});

describe('an address', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => expect(addressKey(address)).toBe(key));
});
