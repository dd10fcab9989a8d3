/**
 * The writing half of the embedded engine: transactions wait here, are written in groups in the
 * order of the calls, and are published once they are on the disk.
 *
 * One group is written at a time, so its transactions are checked against a state that is durable.
 * It also decides what a failure means: no room (refuse and go on) or anything else (stop for good).
 */

import { fstatSync } from 'node:fs';
import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { ChangesFeed } from '../changes-feed.ts';
import type { CommitResult, Transaction } from '../engine.ts';
import type { Driver } from './driver.ts';
import { plan, type Group } from './group.ts';
import type { Loaded } from './load.ts';
import { hasRoom } from './room.ts';

export interface WriterParts {
  readonly dir: string;
  /** The data file, for its size. */
  readonly fd: number;
  readonly driver: Driver;
  readonly feed: ChangesFeed;
  readonly log: { warn(message: string): void };
}

interface Waiting {
  readonly transaction: Transaction;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: RegistryError) => void;
}

/** Transactions and bytes written together: bounds how long one write takes. */
const groupMax = 1_024;
const groupBytesMax = 16_777_216;

/** Transactions that may wait. The replica has one at a time. */
const queueMax = 16_384;

/** What LMDB may copy for one changed record: the page that it lies on. */
const copiedBytes = 4_096;

/** What one changed record may map: Linux maps the 64 KiB around a page that is touched. */
const touchedBytes = 65_536;

/** Bytes of the store that may stay mapped. Mapping anew takes a third of a millisecond. */
const mappedBytesMax = 33_554_432;

export class Writer {
  readonly #parts: WriterParts;
  readonly #revisions: Map<string, number>;
  #head: Loaded['head'];
  #queue: (Waiting | (() => void))[] = [];
  #writing: Promise<void> | undefined;
  #touched = 0;
  #full = false;
  #failure: RegistryError | undefined;

  constructor(parts: WriterParts, loaded: Loaded) {
    this.#parts = parts;
    this.#head = loaded.head;
    this.#revisions = loaded.revisions;
  }

  /** Revision of the newest durable transaction. */
  get revision(): number {
    return this.#head.revision;
  }

  /** Set once the store has failed; nothing is written any more. */
  get failure(): RegistryError | undefined {
    return this.#failure;
  }

  /** @throws RegistryError as `Engine.commit` */
  submit(transaction: Transaction): Promise<CommitResult> {
    if (this.#queue.length >= queueMax) {
      const message = `${queueMax} transactions are waiting, which is the limit; try again later`;
      return Promise.reject(new RegistryError('resource_exhausted', message));
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

  /** Puts a reader's strings in the place of equal ones of ours, so that each key is in memory once. */
  shareKeys(records: readonly { readonly key: string; readonly revision: number }[]): void {
    for (const { key, revision } of records) {
      if (this.#revisions.get(key) !== revision) continue;
      this.#revisions.delete(key);
      this.#revisions.set(key, revision);
    }
  }

  /** Resolves when nothing waits or is being written. */
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
      } else {
        await this.#writeGroup(this.#takeGroup());
      }
    }
    // In the same turn as the check above: what is enqueued from now on starts anew.
    this.#writing = undefined;
  }

  #takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    let bytes = 0;
    for (const item of this.#queue) {
      if (typeof item === 'function' || group.length >= groupMax) break;
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
      const group = plan({ head: this.#head, revisions: this.#revisions }, transactions);
      if (group.events.length > 0) {
        await this.#makeDurable(group);
        this.#publish(group);
      }
      for (const [index, { resolve }] of waiting.entries()) resolve(group.results[index] as CommitResult);
      await this.#boundMap(group.writes.length);
    } catch (error) {
      const failure = toRegistryError(error);
      for (const { reject } of waiting) reject(failure);
    }
  }

  /** @throws RegistryError `resource_exhausted` (nothing was written), `unknown_outcome`, `unavailable` */
  async #makeDurable(group: Group): Promise<void> {
    const { dir, driver, log } = this.#parts;
    const bytes = group.writes.reduce((sum, { value }) => sum + (value?.length ?? 0) + copiedBytes, 0);
    if (this.#full && !(await hasRoom(dir, bytes))) throw this.#noRoom();
    let mine: boolean;
    try {
      mine = await driver.write(group.headWrite, this.#head.revision, group.writes);
    } catch (cause) {
      if (!(await hasRoom(dir, bytes)) && driver.usable()) {
        if (!this.#full) log.warn(`no room in ${dir}: writes are refused until there is`);
        this.#full = true;
        throw this.#noRoom(cause);
      }
      // After a failed write or flush nobody knows what is on the disk: only a fresh start does.
      throw this.#fail('unknown_outcome', `a write to ${dir} failed (${messageOf(cause)})`, cause);
    }
    if (!mine) throw this.#fail('unavailable', `another process has written to ${dir}`);
    if (this.#full) log.warn(`there is room in ${dir} again: writes are taken`);
    this.#full = false;
  }

  #publish(group: Group): void {
    this.#head = group.head;
    for (const [key, revision] of group.revisions) {
      if (revision === 0) this.#revisions.delete(key);
      else this.#revisions.set(key, revision);
    }
    for (const event of group.events) this.#parts.feed.push(event);
  }

  #noRoom(cause?: unknown): RegistryError {
    const message = `no room in ${this.#parts.dir}; free some space and try again`;
    return new RegistryError('resource_exhausted', message, { cause });
  }

  /** Stops for good; returns the error for whoever was writing. */
  #fail(code: 'unknown_outcome' | 'unavailable', what: string, cause?: unknown): RegistryError {
    const message = `${what}; nothing more is written until a restart`;
    this.#failure = new RegistryError('unavailable', message, { cause });
    this.#parts.log.warn(message);
    this.#parts.feed.fail(this.#failure);
    return new RegistryError(code, message, { cause });
  }

  /** Keeps the pages that LMDB has touched from counting as this process's memory for ever. */
  async #boundMap(writes: number): Promise<void> {
    this.#touched += writes * touchedBytes;
    if (this.#touched < mappedBytesMax) return;
    this.#touched = 0;
    const { dir, fd, driver } = this.#parts;
    try {
      if (fstatSync(fd).size >= mappedBytesMax) await driver.remap();
    } catch (cause) {
      if (driver.usable()) return;
      this.#fail('unavailable', `the store in ${dir} could not be mapped again (${messageOf(cause)})`, cause);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
