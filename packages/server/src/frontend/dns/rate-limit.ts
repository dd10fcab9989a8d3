/**
 * How many queries each client address may make: a token bucket per address, in a table that does
 * not grow with the number of addresses. Decides only; what to do with the rest is the caller's.
 *
 * Addresses of this machine are free: they cannot be forged from outside, and often a resolver is
 * behind them that asks for all programs. IPv6 counts by /64, which is what one customer gets.
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';

/** Addresses remembered; beyond, those that have been silent longest start with a full bucket. */
const addressesMax = 16_384;

/** A bucket holds as many as may be made in this time. */
const burstMs = 1_000;

export class RateLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** When the bucket of an address will be full again. */
  readonly #fullAt = new LRUCache<string, number>({ max: addressesMax });

  /** @param perSecond queries; `Infinity`: no limit */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Addresses remembered now. */
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
    // Also when refused: an address that goes on asking must not be forgotten, since it would get a full bucket.
    this.#fullAt.set(group, admitted ? fullAt + this.#intervalMs : fullAt);
    return admitted;
  }

  /** Takes tokens for what was sent after all, as if as many queries had been made. */
  charge(address: string, tokens: number): void {
    const group = this.#intervalMs === 0 || tokens === 0 ? undefined : groupOf(address);
    if (group === undefined) return;
    const now = this.#clock.monotonic();
    const fullAt = Math.max(now, this.#fullAt.get(group) ?? now);
    this.#fullAt.set(group, fullAt + tokens * this.#intervalMs);
  }
}

/** The addresses that share a bucket with `address`; undefined when it is one of this machine. */
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
