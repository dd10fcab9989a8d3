/**
 * Earliest deadline first: each member is due once per period, and the one due first is next. Shares
 * are in inverse proportion to the periods, O(log n) each. The scheduler of Envoy
 * (source/common/upstream/edf_scheduler.h) and of gRPC (gRFC A58), with these readings:
 *
 * - The first deadline of a member is anywhere in its first period. If it were the whole period,
 *   clients that start together would all begin with the same members.
 * - An update keeps the rest of the current period of each member that stays, in proportion to its new period.
 *   Otherwise a list that changes often would favour the endpoint that is due first after a change.
 * - A member whose period is infinite is never due.
 *
 *     heap    [ 3 | 0 | 1 | . . . ]   indices of members, a binary heap by deadline
 *     deadlines, periods              by index
 */

import { bitsRange, type RandomSource } from './seeded-random.ts';

export class DeadlineQueue {
  /** By index; may be changed at any time, and counts from the member's next turn on. More than 0. */
  periods = new Float64Array(0);
  #deadlines = new Float64Array(0);
  /** The deadline of the last turn, which serves as the clock: no deadline is earlier. */
  readonly #now = new Float64Array(1);
  #heap = new Uint32Array(0);
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** @param before for each member the index that it had, −1 for a new one */
  update(before: Int32Array, periods: Float64Array<ArrayBuffer>): void {
    const now = this.#now[0] as number;
    this.#deadlines = periods.map((period, index) => {
      const old = before[index] as number;
      const oldPeriod = old === -1 ? Infinity : (this.periods[old] as number);
      if (oldPeriod === Infinity || period === Infinity) return (this.#random.bits() / bitsRange) * period;
      return (((this.#deadlines[old] as number) - now) * period) / oldPeriod;
    });
    this.#now[0] = 0;
    this.periods = periods;
    const members = Array.from(periods.keys()).filter((index) => periods[index] !== Infinity);
    // A sorted list is a heap, too.
    members.sort((a, b) => (this.#deadlines[a] as number) - (this.#deadlines[b] as number));
    this.#heap = Uint32Array.from(members);
  }

  /** The index of the member due first, which is due again a period later; −1 when there is none. */
  next(): number {
    if (this.#heap.length === 0) return -1;
    const first = this.#heap[0] as number;
    const deadline = this.#deadlines[first] as number;
    this.#now[0] = deadline;
    this.#deadlines[first] = deadline + (this.periods[first] as number);
    this.#sink();
    return first;
  }

  /** Moves the root down to its position in the heap. */
  #sink(): void {
    const heap = this.#heap;
    const deadlines = this.#deadlines;
    const member = heap[0] as number;
    const deadline = deadlines[member] as number;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const sibling = child + 1;
      let least = deadlines[heap[child] as number] as number;
      if (sibling < heap.length && (deadlines[heap[sibling] as number] as number) < least) {
        child = sibling;
        least = deadlines[heap[sibling] as number] as number;
      }
      if (deadline <= least) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = member;
  }
}
