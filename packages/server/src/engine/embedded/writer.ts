/**
 * The writing half of the embedded engine: transactions wait here, are written in groups in the
 * order of the calls, and are published once they are on the disk.
 *
 * A large transaction is checked, planned and published in steps, between which the event loop turns; the next ones wait.
 *
 * One group is written at a time, so its transactions are checked against a state that is durable.
 * It also tells two failures apart: nothing was written (refuse and continue), or the outcome is unknown (stop
 * for good).
 */

import { isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import type { KeyMap } from '../../key-map.ts';
import type { ChangesFeed } from '../changes-feed.ts';
import { checking, checkTransaction, isLarge } from '../check-transaction.ts';
import type { CommitResult, Transaction } from '../engine.ts';
import type { Head } from './frame.ts';
import { planning, type Plan } from './plan.ts';
import { Revisions, type Moment } from './revisions.ts';

/** Takes groups; `Log` is the one that writes files. */
export interface GroupLog {
  fits(bytes: number): boolean;
  /** Both throw a RegistryError when nothing was written; after anything else the outcome is unknown. */
  rotate(head: Head, bytes: number): Promise<void>;
  append(frames: readonly Buffer[]): Promise<void>;
}

export interface WriterParts {
  /** For messages. */
  readonly dir: string;
  readonly groups: GroupLog;
  readonly feed: ChangesFeed;
  readonly log: { warn(message: string): void };
  /** Called between two groups, when the log goes on in a new file. */
  readonly onRotated: () => void;
}

interface Waiting {
  readonly transaction: Transaction;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: RegistryError) => void;
}

/** Transactions and bytes written together: bounds how long one write takes. */
const groupMax = 1_024;
const groupBytesMax = 16_777_216;

/** Records of a large transaction that are worked on between two turns of the event loop: some 10 ms. */
const recordsPerTurn = 8_192;

/** Transactions that may wait. The replica has one at a time. */
const queueMax = 16_384;

export class Writer {
  readonly #parts: WriterParts;
  readonly #revisions: Revisions;
  #head: Head;
  #queue: (Waiting | (() => void))[] = [];
  #writing: Promise<void> | undefined;
  #refusing = false;
  #failure: RegistryError | undefined;

  /** @param revisions of every record by key; the writer keeps and changes it */
  constructor(parts: WriterParts, head: Head, revisions: KeyMap<number>) {
    this.#parts = parts;
    this.#head = head;
    this.#revisions = new Revisions(revisions);
  }

  /** Totals of the store after the newest durable transaction. */
  get head(): Head {
    return this.#head;
  }

  /** The revisions of the durable state; the caller calls `forget` when it does not need them any more. */
  remember(): Moment {
    return this.#revisions.remember();
  }

  /** Set once the store has failed; nothing is written any more. */
  get failure(): RegistryError | undefined {
    return this.#failure;
  }

  /** @throws RegistryError as `Engine.commit` */
  async submit(transaction: Transaction): Promise<CommitResult> {
    // A large one is checked when its turn comes: it must not be overtaken meanwhile.
    if (!isLarge(transaction)) checkTransaction(transaction);
    if (this.#queue.length >= queueMax) {
      const message = `${queueMax} transactions are waiting, which is the limit; try again later`;
      throw new RegistryError('resource_exhausted', message);
    }
    return new Promise((resolve, reject) => this.#enqueue({ transaction, resolve, reject }));
  }

  /** Runs `work` between two groups, after what was submitted before. */
  between<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#enqueue(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(toRegistryError(error));
        }
      });
    });
  }

  /** Replaces our keys by equal strings of a reader, so that each key is in memory once. */
  shareKeys(records: readonly { readonly key: string; readonly revision: number }[]): void {
    for (const { key, revision } of records) {
      if (this.#revisions.get(key) === revision) this.#revisions.share(key);
    }
  }

  /** Resolves when no transaction waits or is being written. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #enqueue(item: Waiting | (() => void)): void {
    this.#queue.push(item);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    // Calls of the same turn share the first write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const next = this.#queue[0];
      if (typeof next === 'function') {
        this.#queue.shift();
        next();
      } else if (next === undefined || !isLarge(next.transaction) || (await this.#isSound(next))) {
        await this.#writeGroup(this.#takeGroup());
      }
    }
    // In the same turn as the check above: a later transaction starts the loop again.
    this.#writing = undefined;
  }

  /** Checks the first transaction of the queue; a refused one is removed from it. */
  async #isSound({ transaction, reject }: Waiting): Promise<boolean> {
    try {
      await inTurns(checking(transaction), recordsPerTurn);
      return true;
    } catch (error) {
      this.#queue.shift();
      reject(toRegistryError(error));
      return false;
    }
  }

  #takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    let bytes = 0;
    for (const item of this.#queue) {
      if (typeof item === 'function' || group.length >= groupMax) break;
      // Not checked yet.
      if (group.length > 0 && isLarge(item.transaction)) break;
      for (const { value } of item.transaction.put) bytes += value.length;
      if (group.length > 0 && bytes > groupBytesMax) break;
      group.push(item);
    }
    this.#queue = this.#queue.slice(group.length);
    return group;
  }

  async #writeGroup(waiting: readonly Waiting[]): Promise<void> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const transactions = waiting.map(({ transaction }) => transaction);
      const planned = await inTurns(planning(this.#head, this.#revisions, (guard) => this.#parts.feed.holds(guard), transactions), recordsPerTurn);
      if (planned.events.length > 0) {
        await this.#makeDurable(planned);
        await inTurns(this.#publishing(planned), recordsPerTurn);
      }
      for (const [index, { resolve }] of waiting.entries()) resolve(planned.results[index] as CommitResult);
    } catch (error) {
      const failure = toRegistryError(error);
      for (const { reject } of waiting) reject(failure);
    }
  }

  /** @throws RegistryError `resource_exhausted` or `unavailable` (nothing was written), `unknown_outcome` */
  async #makeDurable({ frames }: Plan): Promise<void> {
    const { dir, groups, log, onRotated } = this.#parts;
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    try {
      if (!groups.fits(bytes)) {
        await groups.rotate(this.#head, bytes);
        onRotated();
      }
      await groups.append(frames);
    } catch (error) {
      if (!isRegistryError(error)) throw this.#fail(error);
      if (!this.#refusing) log.warn(`writes to ${dir} are refused for now: ${error.message}`);
      this.#refusing = true;
      throw error;
    }
    if (this.#refusing) log.warn(`writes to ${dir} are taken again`);
    this.#refusing = false;
  }

  /** A step is one record; nothing is published until all of them are done. */
  *#publishing(planned: Plan): Generator<void, void, undefined> {
    for (const [key, revision] of planned.revisions) {
      this.#revisions.set(key, revision);
      yield;
    }
    this.#head = planned.head;
    for (const event of planned.events) this.#parts.feed.push(event);
  }

  /** After a failed write or flush the contents of the disk are unknown until a fresh start. */
  #fail(cause: unknown): RegistryError {
    const what = cause instanceof Error ? cause.message : String(cause);
    const message = `a write to ${this.#parts.dir} failed (${what}); nothing more is written until a restart`;
    this.#failure = new RegistryError('unavailable', message, { cause });
    this.#parts.log.warn(message);
    this.#parts.feed.fail(new RegistryError('data_loss', message, { cause }));
    return new RegistryError('unknown_outcome', message, { cause });
  }
}
