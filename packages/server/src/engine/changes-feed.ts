/**
 * The feed of committed transactions of an engine that lives in this process: a bounded history
 * and the readers behind it. Knows no storage; `memory` and `embedded` both use it.
 */

import type { RegistryError } from '@rollcall/protocol';
import type { EngineEvent, RangeGuard } from './engine.ts';

type TransactionEvent = Extract<EngineEvent, { kind: 'transaction' }>;

/** Transactions kept at most; a reader that falls further behind has to start again. */
const historyMax = 2_048;

/** Bytes kept for a reader that resumes later. Changes that a present reader has not read yet are kept beyond that. */
const historyBytesMax = 8_388_608;

interface Reader {
  last: number;
  wake: () => void;
}

export interface Subscription {
  /**
   * Yields each transaction until `signal` aborts or the feed closes.
   * @returns whether it ended because the reader has fallen behind the history
   * @throws RegistryError what `fail` was given
   */
  events(signal: AbortSignal): AsyncGenerator<TransactionEvent, boolean, undefined>;
  /** Lets go of the history; must be called. */
  end(): void;
}

export class ChangesFeed {
  readonly #history: { event: TransactionEvent; bytes: number }[] = [];
  readonly #readers = new Set<Reader>();
  /** Every transaction after this revision is in the history. */
  #keptAfter: number;
  #bytes = 0;
  #closed = false;
  #failure: RegistryError | undefined;

  /** @param revision the newest revision of the log; earlier changes are not in the feed */
  constructor(revision: number) {
    this.#keptAfter = revision;
  }

  /** Appends a committed transaction; revisions must ascend. */
  push(event: TransactionEvent): void {
    const bytes = sizeOf(event);
    this.#history.push({ event, bytes });
    this.#bytes += bytes;
    this.#trim();
    this.#wakeAll();
  }

  /** Ends every reader, present and future, after what is in the history. */
  close(): void {
    this.#closed = true;
    this.#wakeAll();
  }

  /** Like `close`, but readers end with `error`. */
  fail(error: RegistryError): void {
    this.#failure = error;
    this.close();
  }

  /** Whether `revision` was a revision of this log and every transaction after it is still kept. */
  keeps(revision: number): boolean {
    if (revision === this.#keptAfter) return true;
    return this.#history[this.#indexAfter(revision) - 1]?.event.revision === revision;
  }

  /** Starts reading after `revision`: from now on, nothing after it is dropped for its size. */
  subscribe(revision: number): Subscription {
    const reader: Reader = { last: revision, wake: () => {} };
    this.#readers.add(reader);
    return {
      events: (signal) => this.#read(reader, signal),
      end: () => this.#readers.delete(reader),
    };
  }

  /** Whether a guard holds; false when the history does not reach back far enough to tell. */
  holds({ under, notAfter }: RangeGuard): boolean {
    if (notAfter < this.#keptAfter) return false;
    for (let at = this.#indexAfter(notAfter); at < this.#history.length; at++) {
      if (putsUnder((this.#history[at] as { event: TransactionEvent }).event, under)) return false;
    }
    return true;
  }

  async *#read(reader: Reader, signal: AbortSignal): AsyncGenerator<TransactionEvent, boolean, undefined> {
    const onAbort = () => reader.wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (reader.last < this.#keptAfter) return true;
        const next = this.#history[this.#indexAfter(reader.last)]?.event;
        if (next !== undefined) {
          yield next;
          reader.last = next.revision;
          this.#trim();
        } else if (this.#failure !== undefined) {
          throw this.#failure;
        } else if (this.#closed) {
          return false;
        } else {
          await new Promise<void>((resolve) => (reader.wake = resolve));
        }
      }
      return false;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #trim(): void {
    let seen = Number.POSITIVE_INFINITY;
    for (const { last } of this.#readers) seen = Math.min(seen, last);
    for (;;) {
      const oldest = this.#history[0];
      if (oldest === undefined) return;
      const idle = this.#bytes > historyBytesMax && oldest.event.revision <= seen;
      if (!idle && this.#history.length <= historyMax) return;
      this.#history.shift();
      this.#bytes -= oldest.bytes;
      this.#keptAfter = oldest.event.revision;
    }
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#history[middle] as { event: TransactionEvent }).event.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a transaction puts a record whose key begins with `under`. */
export function putsUnder({ put }: Pick<TransactionEvent, 'put'>, under: string): boolean {
  return put.some(({ key }) => key.startsWith(under));
}

function sizeOf(event: TransactionEvent): number {
  let bytes = 0;
  for (const { key, value } of event.put) bytes += key.length + value.length;
  for (const key of event.delete) bytes += key.length;
  return bytes;
}
