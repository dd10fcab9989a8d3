/** The large answers of one stream: they are made in slices, of which all streams share the turns. The end of the stream cancels them. */

import type { Job, Pace, Turns, Work } from '../../net/turns.ts';

export class LargeAnswers {
  readonly #turns: Turns;
  readonly #jobs = new Set<Pick<Job<unknown>, 'cancel'>>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /**
   * @returns what the work returns; never settles when it is cancelled
   * @throws TooMuchWork, and what the work throws
   */
  make<T>(begin: (pace: Pace) => Work<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const job = this.#turns.start(begin(this.#turns.pace));
      if (!job.ended) this.#jobs.add(job);
      job.whenEnded((outcome) => {
        this.#jobs.delete(job);
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
    });
  }

  close(): void {
    for (const job of this.#jobs) job.cancel();
    this.#jobs.clear();
  }
}
