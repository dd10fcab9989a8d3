/** Tells when tokens have reached their end; one timer for the next of them. */

import type { Clock } from '../clock.ts';

/** Timers may not be longer than 2^31 ms; and the wall clock may be set meanwhile. */
const delayMaxMs = 3_600_000;

export class ExpiryTimer {
  readonly #clock: Clock;
  readonly #onExpired: (ids: readonly string[]) => void;
  readonly #ends = new Map<string, number>();
  #next = Infinity;
  #cancel: () => void = () => {};

  constructor(clock: Clock, onExpired: (ids: readonly string[]) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** @param endsAtMs milliseconds since the Unix epoch */
  add(id: string, endsAtMs: number): void {
    this.#ends.set(id, endsAtMs);
    if (endsAtMs < this.#next) this.#arm(endsAtMs);
  }

  close(): void {
    this.#cancel();
    this.#ends.clear();
  }

  #arm(next: number): void {
    this.#cancel();
    this.#next = next;
    if (next === Infinity) return;
    const delayMs = Math.min(delayMaxMs, Math.max(0, next - this.#clock.now()));
    this.#cancel = this.#clock.timer(delayMs, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    const expired: string[] = [];
    let next = Infinity;
    for (const [id, endsAtMs] of this.#ends) {
      if (endsAtMs <= now) expired.push(id);
      else next = Math.min(next, endsAtMs);
    }
    for (const id of expired) this.#ends.delete(id);
    this.#arm(next);
    if (expired.length > 0) this.#onExpired(expired);
  }
}
