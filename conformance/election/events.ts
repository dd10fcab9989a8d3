/** Time in a simulated world: processes with clocks of their own, the events to come, and numbers drawn from a seed. */

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state. */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Event {
  at: number;
  readonly process: Process;
  readonly run: () => void;
  cancelled: boolean;
}

/** The events to come, as a binary heap: the first is the next. */
export class Events {
  readonly #heap: Event[] = [];

  push(event: Event): void {
    let at = this.#heap.push(event) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && this.#at(parent).at > event.at; parent = (at - 1) >> 1) {
      this.#heap[at] = this.#at(parent);
      at = parent;
    }
    this.#heap[at] = event;
  }

  take(): Event | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && this.#at(child + 1).at < this.#at(child).at) child++;
      if (this.#at(child).at >= last.at) break;
      heap[at] = this.#at(child);
      at = child;
    }
    heap[at] = last;
    return first;
  }

  #at(index: number): Event {
    const event = this.#heap[index];
    if (event === undefined) throw new RangeError(`there is no event ${index}`);
    return event;
  }
}

export class Process {
  readonly rate: number;
  pausedUntil = 0;
  dead = false;
  readonly began: number;

  constructor(rate: number, began: number) {
    this.rate = rate;
    this.began = began;
  }
}
