/**
 * Reports tokens that have expired, at most a second late, with one timer for all of them.
 *
 * Tokens that expire within the same second share a bucket, so the cost of adding, removing and reporting
 * does not grow with their number. It does not refuse tokens: its reports end streams and waiting queries.
 */

import type { Clock } from '../clock.ts';

const bucketMs = 1_000;

/** Timers are limited to 2^31 ms. A shorter delay also limits the error after the wall clock was set. */
const delayMaxMs = 3_600_000;

export class ExpiryTimer {
  readonly #clock: Clock;
  readonly #onExpired: (ids: readonly string[]) => void;
  /** Ids, by the second since the epoch at whose start they have expired. */
  readonly #buckets = new Map<number, Set<string>>();
  #next = Infinity;
  #cancel: () => void = () => {};

  constructor(clock: Clock, onExpired: (ids: readonly string[]) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** @param endsAtMs milliseconds since the Unix epoch */
  add(id: string, endsAtMs: number): void {
    const second = Math.ceil(endsAtMs / bucketMs);
    const bucket = this.#buckets.get(second);
    if (bucket === undefined) this.#buckets.set(second, new Set([id]));
    else bucket.add(id);
    if (second < this.#next) this.#arm(second);
  }

  delete(id: string, endsAtMs: number): void {
    const second = Math.ceil(endsAtMs / bucketMs);
    const bucket = this.#buckets.get(second);
    bucket?.delete(id);
    if (bucket?.size === 0) this.#buckets.delete(second);
  }

  /** Removes all ids. */
  clear(): void {
    this.#buckets.clear();
    this.#arm(Infinity);
  }

  close(): void {
    this.#cancel();
    this.#buckets.clear();
  }

  #arm(second: number): void {
    this.#cancel();
    this.#next = second;
    if (second === Infinity) return;
    const delayMs = Math.min(delayMaxMs, Math.max(0, second * bucketMs - this.#clock.now()));
    this.#cancel = this.#clock.timer(delayMs, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now() / bucketMs;
    const expired: string[] = [];
    let next = Infinity;
    // There are at most as many buckets as tokens that expire.
    for (const [second, ids] of this.#buckets) {
      if (second > now) next = Math.min(next, second);
      else {
        expired.push(...ids);
        this.#buckets.delete(second);
      }
    }
    this.#arm(next);
    if (expired.length > 0) this.#onExpired(expired);
  }
}
