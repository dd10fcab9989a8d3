/**
 * Lifeguard's local health multiplier: how much this member should doubt itself. Failed probes, missing answers of
 * helpers and accusations that this member had to refute are signs that *it* is slow, so it probes more slowly and waits
 * longer (Lifeguard, §IV-A). It never speaks about other members.
 */

export class LocalHealth {
  readonly #max: number;
  #score = 0;

  /** @param max highest score; 0 switches it off */
  constructor(max: number) {
    this.#max = max;
  }

  /** 0: healthy. */
  get score(): number {
    return this.#score;
  }

  /** @param by positive: a sign of ill health; negative: of good health */
  change(by: number): void {
    this.#score = Math.min(this.#max, Math.max(0, this.#score + by));
  }

  /** The time for which this member should wait, in milliseconds. */
  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}
