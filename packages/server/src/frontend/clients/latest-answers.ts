/** Answers that were gathered a moment ago serve all who ask the same: pages that are open at once cost as much as one. It does not know what they say. */

import type { Clock } from '../../clock.ts';

/** Age up to which an answer serves others, in milliseconds: pages ask every second. */
const ageMsMax = 900;

/** Questions whose answers are kept; an answer has up to 5 MB, and is dropped with the next question after its age. */
const keptMax = 16;

interface Kept<A> {
  readonly answer: Promise<A>;
  /** Monotonic. */
  readonly sinceMs: number;
}

export class LatestAnswers<A> {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept<A>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param gather called unless the answer is there, or on its way */
  get(question: string, gather: () => Promise<A>): Promise<A> {
    const nowMs = this.#clock.monotonic();
    for (const [key, { sinceMs }] of this.#kept) if (nowMs - sinceMs > ageMsMax) this.#kept.delete(key);
    const known = this.#kept.get(question);
    if (known !== undefined) return known.answer;
    const answer = gather();
    if (this.#kept.size >= keptMax) return answer;
    const kept = { answer, sinceMs: nowMs };
    this.#kept.set(question, kept);
    answer.catch(() => {
      if (this.#kept.get(question) === kept) this.#kept.delete(question);
    });
    return answer;
  }
}
