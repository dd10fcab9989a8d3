/**
 * The embedded engine: one process, one directory, one LMDB file.
 *
 *   commit → queue ─┐ while a group is being written, transactions wait       (writer.ts)
 *                   ▼
 *        plan: check each against the ones before it                          (group.ts)
 *                   ▼
 *        one LMDB transaction, on the disk                                    (driver.ts)
 *                   ▼
 *        revisions in memory, changes feed, every caller's promise
 *
 * In memory stay the keys with their revisions, and nothing of the values. Everything is read with
 * plain reads that check each byte (load.ts, tree.ts); LMDB only writes.
 */

import { closeSync, openSync } from 'node:fs';
import { resolve as absolute } from 'node:path';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { ChangesFeed } from '../changes-feed.ts';
import { checkTransaction } from '../check-transaction.ts';
import type { CommitResult, Engine, EngineEvent, Transaction } from '../engine.ts';
import { findStore, makeDirectory } from './directory.ts';
import { openDriver, type Driver } from './driver.ts';
import { load, recordsOf } from './load.ts';
import { lockDirectory, type DirectoryLock } from './lock.ts';
import { readMeta } from './page-file.ts';
import { hasRoom, isNoRoom } from './room.ts';
import { Writer } from './writer.ts';

export interface EmbeddedOptions {
  /** The data directory; made if it is missing. It belongs to one process at a time. */
  readonly dir: string;
  /** Told when the disk is full, when there is room again, and when the store has failed. */
  readonly log?: { warn(message: string): void };
}

/** Records in one event of the initial state. */
const chunkMax = 1_000;

/**
 * Opens the store in a directory, or makes an empty one, after checking all of it.
 *
 * @throws RegistryError `failed_precondition` when the directory is in use, is not ours, cannot be
 *   used or was written by another version; `data_loss` when the store is damaged;
 *   `resource_exhausted` when there is no room for a new store
 */
export async function embedded(options: EmbeddedOptions): Promise<Engine> {
  const dir = absolute(options.dir);
  const log = options.log ?? { warn: () => {} };
  let lock: DirectoryLock | undefined;
  let fd: number | undefined;
  try {
    await makeDirectory(dir);
    lock = await lockDirectory(dir);
    const path = await findStore(dir);
    fd = openSync(path, 'r');
    const loaded = await load(fd);
    const feed = new ChangesFeed(loaded.head.revision);
    const driver = openDriver(path);
    return new Embedded(lock, fd, driver, feed, new Writer({ dir, fd, driver, feed, log }, loaded));
  } catch (error) {
    const refusal = await openError(dir, error);
    if (fd !== undefined) closeSync(fd);
    await lock?.release();
    throw refusal;
  }
}

class Embedded implements Engine {
  readonly name = 'embedded';
  readonly #lock: DirectoryLock;
  readonly #fd: number;
  readonly #driver: Driver;
  readonly #feed: ChangesFeed;
  readonly #writer: Writer;
  #closed: Promise<void> | undefined;

  constructor(lock: DirectoryLock, fd: number, driver: Driver, feed: ChangesFeed, writer: Writer) {
    this.#lock = lock;
    this.#fd = fd;
    this.#driver = driver;
    this.#feed = feed;
    this.#writer = writer;
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    this.#checkUsable();
    checkTransaction(transaction);
    return this.#writer.submit(transaction);
  }

  async *changes(options: { after?: number; signal: AbortSignal }): AsyncGenerator<EngineEvent, void, undefined> {
    if (this.#closed !== undefined) return;
    const { after, signal } = options;
    if (after === undefined || !this.#feed.keeps(after)) {
      yield* this.#all(signal);
      return;
    }
    const subscription = this.#feed.subscribe(after);
    try {
      yield* subscription.events(signal);
    } finally {
      subscription.end();
    }
  }

  async barrier(): Promise<number> {
    this.#checkUsable();
    return this.#writer.revision;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Every record, then what follows. */
  async *#all(signal: AbortSignal): AsyncGenerator<EngineEvent, void, undefined> {
    // Between two writes the newest snapshot in the file is durable and its revision is known.
    const { meta, revision, release, subscription } = await this.#writer.between(() => ({
      meta: readMeta(this.#fd),
      revision: this.#writer.revision,
      release: this.#driver.pin(),
      subscription: this.#feed.subscribe(this.#writer.revision),
    }));
    try {
      let reset = true;
      for (const records of recordsOf(this.#fd, meta, chunkMax)) {
        if (signal.aborted || this.#closed !== undefined) return;
        this.#writer.shareKeys(records);
        yield { kind: 'records', reset, records };
        reset = false;
      }
      if (reset) yield { kind: 'records', reset, records: [] };
      release();
      yield { kind: 'caught-up', revision };
      yield* subscription.events(signal);
    } finally {
      release();
      subscription.end();
    }
  }

  async #close(): Promise<void> {
    await this.#writer.idle();
    this.#feed.close();
    await this.#driver.close();
    closeSync(this.#fd);
    await this.#lock.release();
  }

  #checkUsable(): void {
    if (this.#closed !== undefined) throw new RegistryError('unavailable', 'the embedded engine is closed');
    if (this.#writer.failure !== undefined) throw this.#writer.failure;
  }
}

/** Says which directory it is about, and finds the code for what the system reported. */
async function openError(dir: string, error: unknown): Promise<RegistryError> {
  const what = error instanceof Error ? error.message : String(error);
  const message = `cannot open the store in ${dir}: ${what}`;
  if (isRegistryError(error)) return new RegistryError(error.code, message, { cause: error });
  if (isNoRoom(error) || !(await hasRoom(dir, 0))) return new RegistryError('resource_exhausted', message, { cause: error });
  const code = (error as NodeJS.ErrnoException).code === 'EIO' ? 'data_loss' : 'failed_precondition';
  return new RegistryError(code, message, { cause: error });
}
