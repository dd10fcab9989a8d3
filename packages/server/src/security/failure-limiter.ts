/**
 * Slows down addresses that guess tokens, with a bucket of failures for each address. Pure: the caller passes the
 * time. The table is bounded; the address that was used least recently is dropped first.
 *
 * Many clients may share an address, and one that guesses must not lock out the others. While the bucket is
 * empty, tokens that were valid from this address before are accepted. Every other token is refused, even a valid
 * one, because it may be a correct guess.
 */

import { LRUCache } from 'lru-cache';

export interface FailureLimits {
  /** Failures that an address may have in a burst. */
  readonly burst: number;
  /** Failures that are forgiven each second. */
  readonly perSecond: number;
  /** Most addresses kept. */
  readonly addressesMax: number;
  /** Most valid tokens kept for each address. */
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

  /** @param limits those that differ from the defaults */
  constructor(limits: Partial<FailureLimits> = {}) {
    this.#limits = { ...defaultFailureLimits, ...limits };
    this.#buckets = new LRUCache({ max: this.#limits.addressesMax });
  }

  /** Number of addresses kept now. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Decides about a request with a token, after the token was looked up.
   * @param address as `addressKey` returns it
   * @param accessorId of the token; undefined if no token has the secret
   * @param nowMs on a monotonic clock
   * @returns undefined: continue, with 403 for an unknown token. Otherwise answer 429 and ask the client
   *   to wait this many milliseconds
   */
  judge(address: string, accessorId: string | undefined, nowMs: number): number | undefined {
    const bucket = this.#bucket(address, nowMs);
    if (accessorId !== undefined && bucket.good.has(accessorId)) return undefined;
    if (bucket.left < 1) return this.#waitMs(bucket);
    if (accessorId === undefined) bucket.left -= 1;
    else if (bucket.good.size < this.#limits.tokensMax) bucket.good.add(accessorId);
    return undefined;
  }

  /** Milliseconds until the address may fail again; undefined if it may now. Does not count as a failure. */
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
 * The key of an address in the table: an IPv4 address, also if written as IPv6, or the /64 of an IPv6 address,
 * since a host usually has a whole /64.
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
