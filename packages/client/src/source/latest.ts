/**
 * Turns calls of a listener into an AsyncIterable that keeps only the newest value: a slow reader
 * misses values in between and never falls behind.
 *
 *   source ─► listener ─► slot (the newest value) ◄─ iterator ◄─ reader
 *
 * The source holds the slot and the slot does not hold the iterator, so an iterator that its reader has dropped
 * without `return` is garbage-collected, which ends its subscription. The slot holds a reader that waits.
 */

export interface Latest<T> {
  /** Offers a newer value, in place of one that was not read yet. */
  push(value: T): void;
  /** Ends the iteration after the value that was not read yet, if there is one. */
  end(): void;
  /** Ends the iteration by throwing, after the value that was not read yet, if there is one. */
  fail(error: unknown): void;
}

/**
 * @param start called when the iteration starts, with the receiver of the values; returns a function that ends
 *   it
 * @param signal ends the iteration by throwing its reason, also at its start
 */
export function latest<T>(
  start: (values: Latest<T>) => () => void,
  signal?: AbortSignal,
): AsyncIterableIterator<T, undefined> {
  return new LatestIterator(start, signal);
}

/** Ends the subscriptions of iterators that were dropped. */
const dropped = new FinalizationRegistry<() => void>((stop) => stop());

interface Reader<T> {
  /** Protects an iterator from garbage collection while its reader waits. */
  readonly iterator: AsyncIterableIterator<T, undefined>;
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

class Slot<T> implements Latest<T> {
  #newest: { readonly value: T } | undefined;
  #end: { readonly error?: unknown } | undefined;
  #readers: Reader<T>[] = [];
  /** Ends the subscription; set after the subscription began. */
  stop: () => void = () => {};

  get ended(): boolean {
    return this.#end !== undefined;
  }

  push(value: T): void {
    if (this.#end !== undefined) return;
    this.#newest = { value };
    this.#serve();
  }

  end(): void {
    this.#end ??= {};
    this.#serve();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#serve();
  }

  /** Ends the iteration and drops the value that was not read yet. */
  close(end: { readonly error?: unknown }): void {
    this.#newest = undefined;
    this.#end = end;
    this.#serve();
  }

  read(reader: Reader<T>): void {
    this.#readers.push(reader);
    this.#serve();
  }

  #serve(): void {
    while (this.#readers.length > 0 && (this.#newest !== undefined || this.#end !== undefined)) {
      const reader = this.#readers.shift() as Reader<T>;
      if (this.#newest !== undefined) {
        const { value } = this.#newest;
        this.#newest = undefined;
        reader.resolve({ done: false, value });
      } else if (this.#end !== undefined && 'error' in this.#end) {
        reader.reject(this.#end.error);
        this.#end = {};
      } else reader.resolve({ done: true, value: undefined });
    }
    if (this.#end !== undefined) this.stop();
  }
}

class LatestIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #start: (values: Latest<T>) => () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #slot = new Slot<T>();
  #started = false;

  constructor(start: (values: Latest<T>) => () => void, signal: AbortSignal | undefined) {
    this.#start = start;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#started) this.#begin();
    return new Promise((resolve, reject) => this.#slot.read({ iterator: this, resolve, reject }));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#started = true;
    this.#slot.close({});
    return Promise.resolve({ done: true, value: undefined });
  }

  #begin(): void {
    this.#started = true;
    const slot = this.#slot;
    const signal = this.#signal;
    if (signal?.aborted === true) {
      slot.close({ error: signal.reason });
      return;
    }
    const onAbort = () => slot.close({ error: signal?.reason });
    signal?.addEventListener('abort', onAbort);
    const unsubscribe = this.#start(slot);
    let stopped = false;
    slot.stop = () => {
      if (stopped) return;
      stopped = true;
      signal?.removeEventListener('abort', onAbort);
      unsubscribe();
    };
    if (slot.ended) slot.stop();
    else dropped.register(this, slot.stop);
  }
}
