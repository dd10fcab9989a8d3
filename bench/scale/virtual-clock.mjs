/**
 * The clock of a simulation: production code that takes a `Clock` runs on it. Time moves from one timer to the next; timers of the same
 * moment run in the order in which they were set.
 */

export class VirtualClock {
  #now = 0;
  #order = 0;
  /** A binary heap by time, then order. */
  #heap = [];

  now() {
    return this.#now;
  }

  monotonic() {
    return this.#now;
  }

  /** @param {number} delayMs @param {() => void} callback @returns cancels it */
  timer(delayMs, callback) {
    const entry = { at: this.#now + delayMs, order: this.#order++, callback };
    this.#up(entry);
    return () => (entry.callback = undefined);
  }

  /** Time of the next timer; Infinity when there is none. */
  get next() {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Moves to a time before which no timer is due. */
  moveTo(time) {
    this.#now = time;
  }

  /** Runs all timers up to a time, and moves there. */
  runTo(time) {
    while (this.next <= time) this.#runNext();
    this.#now = time;
  }

  /** The same, and lets promises settle after each moment. */
  async settleTo(time) {
    while (this.next <= time) {
      const { next } = this;
      while (this.next === next) this.#runNext();
      await new Promise(setImmediate);
    }
    this.#now = time;
  }

  #runNext() {
    const { at, callback } = this.#down();
    this.#now = Math.max(this.#now, at);
    callback?.();
  }

  #up(entry) {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #down() {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(one, other) {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
