/**
 * Slows down who guesses tokens: a bucket of failures for each address. Pure but for the time, which it is
 * given. The table is bounded; the address that was heard of longest ago is forgotten first.
 *
 * An address behind which many work is not cut off by one of them: a token that was good from there passes
 * while the bucket is empty. Tokens that were not seen from there do not, since one of the guesses may be
 * right.
 */

import { LRUCache } from 'lru-cache';

export interface FailureLimits {
  /** Failures that an address may make at once. */
  readonly burst: number;
  /** Failures that are forgiven each second. */
  readonly perSecond: number;
  /** Addresses that are remembered. */
  readonly addressesMax: number;
  /** Good tokens that are remembered for each address. */
  readonly tokensMax: number;
}

export const defaultFailureLimits: FailureLimits = { burst: 50, perSecond: 5, addressesMax: 10_000, tokensMax: 256 };

interface Bucket {
  left: number;
  atMs: number;
  readonly good: Set<string>;
}

export class FailureLimiter {
  readonly #limits: FailureLimits;
  readonly #buckets: LRUCache<string, Bucket>;

  constructor(limits: FailureLimits = defaultFailureLimits) {
    this.#limits = limits;
    this.#buckets = new LRUCache({ max: limits.addressesMax });
  }

  /** Addresses that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Judges a request with a token, after the token was looked up.
   * @param address as `addressKey` gives it
   * @param accessorId of the token; undefined when no token has it
   * @param nowMs on a clock that never jumps
   * @returns undefined: go on, with 403 for an unknown token. Otherwise answer 429, and that the
   *   client may come back after so many milliseconds
   */
  judge(address: string, accessorId: string | undefined, nowMs: number): number | undefined {
    const bucket = this.#bucket(address, nowMs);
    if (accessorId !== undefined && bucket.good.has(accessorId)) return undefined;
    if (bucket.left < 1) return this.#waitMs(bucket);
    if (accessorId === undefined) bucket.left -= 1;
    else if (bucket.good.size < this.#limits.tokensMax) bucket.good.add(accessorId);
    return undefined;
  }

  /** How long an address must wait before it may fail again; undefined when it may now. Counts nothing. */
  waitMs(address: string, nowMs: number): number | undefined {
    const bucket = this.#bucket(address, nowMs);
    return bucket.left < 1 ? this.#waitMs(bucket) : undefined;
  }

  #waitMs({ left }: Bucket): number {
    return Math.ceil(((1 - left) / this.#limits.perSecond) * 1_000);
  }

  #bucket(address: string, nowMs: number): Bucket {
    const { burst, perSecond } = this.#limits;
    const known = this.#buckets.get(address);
    if (known === undefined) {
      const bucket = { left: burst, atMs: nowMs, good: new Set<string>() };
      this.#buckets.set(address, bucket);
      return bucket;
    }
    if (nowMs > known.atMs) {
      known.left = Math.min(burst, known.left + ((nowMs - known.atMs) * perSecond) / 1_000);
      known.atMs = nowMs;
    }
    return known;
  }
}

/**
 * What counts as one address: an IPv4 address, also one written as IPv6, or the /64 that an IPv6 address is
 * in, since a host with one of its addresses has all of them.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] ?? address;
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length < 8 - after) groups.push('0');
  }
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}
