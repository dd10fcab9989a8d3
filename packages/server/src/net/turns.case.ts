/** For tests of work in slices: a pace that yields at every chance, and a runner that goes on at once. */

import { Pace, type Work } from './turns.ts';

/** Yields at every chance. */
export class Impatient extends Pace {
  override spend(): boolean {
    return true;
  }

  override get spent(): boolean {
    return true;
  }
}

/** Does all of the work in one turn. */
export function run<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
