/**
 * Limits the queries of each client address by a token bucket, in a table of bounded size. It only decides; the caller
 * drops the query.
 *
 * Addresses of this machine are not limited: they cannot be forged from outside, and often a resolver of many programs
 * uses one. IPv6 addresses count by /64, the range that one customer gets.
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';

/** Addresses in the table. One more forgets the address that has been silent longest, which then starts with a full bucket. */
const addressesMax = 16_384;

/** A bucket holds the queries of this time. */
const burstMs = 1_000;

export class RateLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** The time at which the bucket of an address will be full again. */
  readonly #fullAt = new LRUCache<string, number>({ max: addressesMax });

  /** @param perSecond queries; `Infinity` for no limit */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Addresses in the table now. */
  get size(): number {
    return this.#fullAt.size;
  }

  /**
   * Takes a token; false when there is none. The generic cell rate algorithm (ITU-T I.371, annex A):
   * a bucket is one number, the time at which it will be full.
   */
  admits(address: string): boolean {
    if (this.#intervalMs === 0) return true;
    const group = groupOf(address);
    if (group === undefined) return true;
    const now = this.#clock.monotonic();
    const fullAt = Math.max(now, this.#fullAt.get(group) ?? now);
    const admitted = fullAt + this.#intervalMs - now <= burstMs;
    // A refused query renews the entry, too: an address that is forgotten would get a full bucket.
    this.#fullAt.set(group, admitted ? fullAt + this.#intervalMs : fullAt);
    return admitted;
  }

  /** Takes tokens as if the address had sent so many more queries. */
  charge(address: string, tokens: number): void {
    const group = this.#intervalMs === 0 || tokens === 0 ? undefined : groupOf(address);
    if (group === undefined) return;
    const now = this.#clock.monotonic();
    const fullAt = Math.max(now, this.#fullAt.get(group) ?? now);
    this.#fullAt.set(group, fullAt + tokens * this.#intervalMs);
  }
}

/** The range of addresses that shares a bucket with `address`; undefined for an address of this machine. */
export function groupOf(address: string): string | undefined {
  const mapped = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  if (mapped.startsWith('127.') || mapped === '::1') return undefined;
  if (!mapped.includes(':')) return mapped;
  const [head = '', tail] = mapped.replace(/%.*$/, '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right];
  return groups.slice(0, 4).join(':');
}
