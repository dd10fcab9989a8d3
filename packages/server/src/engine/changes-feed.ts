/**
 * The feed of committed transactions of an engine that lives in this process: a bounded history
 * and the subscribers behind it. Knows no storage; `memory` and `embedded` both use it.
 */

import { RegistryError } from '@rollcall/protocol';
import type { EngineEvent } from './engine.ts';

type TransactionEvent = Extract<EngineEvent, { kind: 'transaction' }>;

/** Transactions kept for a subscriber that resumes. */
const historyMax = 1_024;

export class ChangesFeed {
  readonly #history: TransactionEvent[] = [];
  readonly #wake = new Set<() => void>();
  #dropped = 0;
  #closed = false;

  /** Appends a committed transaction; revisions must ascend. */
  push(event: TransactionEvent): void {
    this.#history.push(event);
    if (this.#history.length > historyMax * 2) {
      this.#dropped = this.#history.splice(0, historyMax).at(-1)?.revision ?? 0;
    }
    for (const wake of this.#wake) wake();
  }

  close(): void {
    this.#closed = true;
    for (const wake of this.#wake) wake();
  }

  /** Whether every transaction after `revision` up to `last` is still kept. */
  keeps(revision: number, last: number): boolean {
    if (revision >= last) return revision === last;
    const at = this.#indexAfter(revision);
    return at > 0 && this.#history[at - 1]?.revision === revision;
  }

  /**
   * Yields the transactions after `revision` until `signal` aborts or the feed closes.
   * @throws RegistryError `data_loss` when the subscriber has fallen behind the history
   */
  async *after(revision: number, signal: AbortSignal): AsyncGenerator<TransactionEvent, void, undefined> {
    let last = revision;
    let wake: () => void = () => {};
    const onWake = () => wake();
    this.#wake.add(onWake);
    signal.addEventListener('abort', onWake);
    try {
      while (!signal.aborted) {
        if (last < this.#dropped) {
          const message = `a reader of the log stands at ${last}, but it is kept from ${this.#dropped} on`;
          throw new RegistryError('data_loss', message);
        }
        const next = this.#history[this.#indexAfter(last)];
        if (next !== undefined) {
          last = next.revision;
          yield next;
        } else if (this.#closed) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#wake.delete(onWake);
      signal.removeEventListener('abort', onWake);
    }
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#history[middle] as TransactionEvent).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
