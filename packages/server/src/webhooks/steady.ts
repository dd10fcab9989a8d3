/**
 * Waits until a subject has stayed good or bad for a time, and tells that once: a flap tells nothing.
 *
 *   good ──turns bad──► waits ──forMs──► told bad ──turns good──► waits ──forMs──► told good, forgotten
 *                         └─turns good─► forgotten
 *
 * It keeps the subjects that are bad or wait, and no others.
 */

import type { Clock } from '../clock.ts';

/** Subjects that one webhook follows; more of them are not told. */
const subjectsMax = 10_000;

interface Followed {
  told: boolean;
  now: boolean;
  /** Revision at which it was still as told. */
  after: number;
  cancel: () => void;
}

export class Steady<S> {
  readonly #clock: Clock;
  readonly #tell: (subject: S, isBad: boolean, after: number) => void;
  readonly #followed = new Map<string, Followed>();

  /** @param tell gets the revision at which the subject was still as it was told last */
  constructor(clock: Clock, tell: (subject: S, isBad: boolean, after: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The oldest revision of those that wait; Infinity when none does. */
  get waitsAfter(): number {
    let oldest = Infinity;
    for (const { told, now, after } of this.#followed.values()) if (told !== now && after < oldest) oldest = after;
    return oldest;
  }

  /**
   * @param key names the subject @param isBad it has just become so @param after revision at which it was not yet
   * @returns false when too many subjects are bad
   */
  turn(key: string, subject: S, isBad: boolean, { forMs, after }: { readonly forMs: number; readonly after: number }): boolean {
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      if (this.#followed.size >= subjectsMax) return false;
      followed = { told: !isBad, now: !isBad, after, cancel: () => {} };
      this.#followed.set(key, followed);
    }
    followed.cancel();
    if (followed.told === followed.now) followed.after = after;
    followed.now = isBad;
    const { told } = followed;
    const settled = followed;
    if (told === isBad) this.#keepIfBad(key, isBad);
    else {
      followed.cancel = this.#clock.timer(forMs, () => {
        settled.told = isBad;
        this.#keepIfBad(key, isBad);
        this.#tell(subject, isBad, settled.after);
      });
    }
    return true;
  }

  /** The subject is gone: nothing more is told of it. */
  forget(key: string): void {
    this.#followed.get(key)?.cancel();
    this.#followed.delete(key);
  }

  close(): void {
    for (const { cancel } of this.#followed.values()) cancel();
    this.#followed.clear();
  }

  #keepIfBad(key: string, isBad: boolean): void {
    if (!isBad) this.#followed.delete(key);
  }
}
