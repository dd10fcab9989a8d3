/**
 * The embedded engine: one process, one directory, one log.
 *
 *   commit → queue ─┐ while a group is being written, transactions wait       (writer.ts)
 *                   ▼
 *        plan: check each against the ones before it                          (plan.ts)
 *                   ▼
 *        append to the log, on the disk                                       (log.ts, frame.ts)
 *                   ▼
 *        revisions in memory, changes feed, every caller's promise
 *
 * The keys stay in memory with their revisions, the values do not; readers of the whole state read the files (snapshot.ts).
 * When the logs have grown much larger than the records in them, the present records are written to a new base, and the old
 * files are removed (compact.ts).
 */

import { resolve as absolute } from 'node:path';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { ChangesFeed } from '../changes-feed.ts';
import type { CommitResult, Engine, EngineEvent, OverwrittenTransaction, Transaction } from '../engine.ts';
import { writeBase } from './compact.ts';
import { assertUsable, findStore, makeDirectory } from './directory.ts';
import { load, type Loaded } from './load.ts';
import { lockDirectory, type DirectoryLock } from './lock.ts';
import { isNoRoom, Log } from './log.ts';
import { overwrittenIn } from './overwritten.ts';
import { Snapshot } from './snapshot.ts';
import { Writer } from './writer.ts';

export interface EmbeddedOptions {
  /** The data directory; created if it is missing. One process at a time may use it. */
  readonly dir: string;
  /**
   * Gets a line when a crash cut a write off, when the disk is full and when there is room again, when a
   * compaction failed, and when the store has failed.
   */
  readonly log?: { warn(message: string): void };
  /**
   * Length of one log file in bytes, 16 MiB by default; compaction begins when there is more than
   * them than one, and more than what they came after.
   */
  readonly logBytes?: number;
}

/**
 * Opens the store in a directory after checking all of it, or creates an empty one.
 *
 * @throws RegistryError `failed_precondition` when the directory is in use, is not ours, cannot be
 *   used or was written by another version; `data_loss` when the store is damaged;
 *   `resource_exhausted` when there is no room for a new store
 */
export async function embedded(options: EmbeddedOptions): Promise<Engine> {
  const dir = absolute(options.dir);
  const log = options.log ?? { warn: () => {} };
  const logBytes = options.logBytes ?? 16_777_216;
  let lock: DirectoryLock | undefined;
  try {
    await makeDirectory(dir);
    await assertUsable(dir);
    lock = await lockDirectory(dir);
    const { head, revisions, keys, cutOff, ...state } = await load(dir, await findStore(dir, logBytes));
    if (cutOff > 0) log.warn(`${cutOff} bytes of a write that a crash cut off were dropped in ${dir}`);
    const files = await Log.open(dir, logBytes, state);
    return new Embedded({ dir, lock, files, log }, { head, revisions, keys });
  } catch (error) {
    await lock?.release();
    throw openError(dir, error);
  }
}

interface Parts {
  readonly dir: string;
  readonly lock: DirectoryLock;
  readonly files: Log;
  readonly log: { warn(message: string): void };
}

class Embedded implements Engine {
  readonly name = 'embedded';
  readonly limits = { operations: Infinity, bytes: Infinity };
  /** The directory's lock excludes other processes, and this process has one replica on the store. */
  readonly exclusive = true;
  readonly #parts: Parts;
  readonly #feed: ChangesFeed;
  readonly #writer: Writer;
  readonly #stop = new AbortController();
  /** The keys of the files' first entries, until all records have been read once or the files are replaced. */
  #keys: readonly string[];
  #compacting: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: Parts, { head, revisions, keys }: Pick<Loaded, 'head' | 'revisions' | 'keys'>) {
    const { dir, files: groups, log } = parts;
    this.#parts = parts;
    this.#keys = keys;
    this.#feed = new ChangesFeed(head.revision);
    this.#writer = new Writer({ dir, groups, feed: this.#feed, log, onRotated: () => this.#compact() }, head, revisions);
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    this.#checkUsable();
    return this.#writer.submit(transaction);
  }

  async *changes(options: { after?: number; signal: AbortSignal }): AsyncGenerator<EngineEvent, void, undefined> {
    if (this.#closed !== undefined) return;
    const { after, signal } = options;
    let behind = true;
    if (after !== undefined && this.#feed.keeps(after)) {
      const subscription = this.#feed.subscribe(after);
      try {
        behind = yield* subscription.events(signal);
      } finally {
        subscription.end();
      }
    }
    while (behind) behind = yield* this.#all(signal);
  }

  async barrier(): Promise<number> {
    this.#checkUsable();
    return this.#writer.head.revision;
  }

  async overwritten(after: number): Promise<readonly OverwrittenTransaction[] | undefined> {
    this.#checkUsable();
    const { dir, files } = this.#parts;
    // Between two groups the files are opened; they are read later.
    const { found } = await this.#writer.between(() => ({ found: overwrittenIn(dir, files.ranges(), after) }));
    return found;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * Every record, then what follows.
   * @returns whether the reader has fallen behind and has to start again
   */
  async *#all(signal: AbortSignal): AsyncGenerator<EngineEvent, boolean, undefined> {
    if (this.#closed !== undefined) return false;
    const { snapshot, keys, subscription } = await this.#writer.between(() => ({
      snapshot: this.#snapshot(),
      keys: this.#keys,
      subscription: this.#feed.subscribe(this.#writer.head.revision),
    }));
    try {
      let reset = true;
      for await (const records of snapshot.records(keys)) {
        if (signal.aborted || this.#closed !== undefined) return false;
        // The known keys are those that the writer has.
        if (keys.length === 0) this.#writer.shareKeys(records);
        yield { kind: 'records', reset, records };
        reset = false;
      }
      this.#keys = [];
      if (reset) yield { kind: 'records', reset, records: [] };
      yield { kind: 'caught-up', revision: snapshot.head.revision };
      return yield* subscription.events(signal);
    } finally {
      snapshot.close();
      subscription.end();
    }
  }

  /** A snapshot of the durable records; must be called between two groups. */
  #snapshot(): Snapshot {
    return new Snapshot(this.#parts.dir, this.#parts.files.ranges(), this.#writer.head, this.#writer.remember());
  }

  /** Called when a new log has just begun: all current records are in the files before it. */
  #compact(): void {
    const { dir, files, log } = this.#parts;
    if (this.#compacting !== undefined || !files.isWorthCompacting) return;
    const sequence = files.sequence - 1;
    const giveUp = (error: unknown): void => {
      // The log goes on; the next new file starts another compaction.
      if (!this.#stop.signal.aborted) log.warn(`the store in ${dir} was not compacted: ${messageOf(error)}`);
    };
    let snapshot: Snapshot;
    try {
      snapshot = this.#snapshot();
    } catch (error) {
      giveUp(error);
      return;
    }
    this.#compacting = writeBase(dir, sequence, snapshot, this.#stop.signal)
      .then((base) => {
        this.#keys = [];
        return files.replace(base, sequence);
      })
      .catch(giveUp)
      .finally(() => {
        snapshot.close();
        this.#compacting = undefined;
      });
  }

  async #close(): Promise<void> {
    await this.#writer.idle();
    this.#stop.abort();
    await this.#compacting;
    this.#feed.close();
    try {
      await this.#parts.files.close(this.#writer.failure === undefined);
    } finally {
      await this.#parts.lock.release();
    }
  }

  #checkUsable(): void {
    if (this.#closed !== undefined) throw new RegistryError('unavailable', 'the embedded engine is closed');
    if (this.#writer.failure !== undefined) throw this.#writer.failure;
  }
}

/** Adds the directory to the message, and maps the system's error to a code. */
function openError(dir: string, error: unknown): RegistryError {
  const message = `cannot open the store in ${dir}: ${messageOf(error)}`;
  if (isRegistryError(error)) return new RegistryError(error.code, message, { cause: error });
  if (isNoRoom(error)) return new RegistryError('resource_exhausted', `cannot open the store in ${dir}: there is no space left`, { cause: error });
  const code = (error as NodeJS.ErrnoException).code === 'EIO' ? 'data_loss' : 'failed_precondition';
  return new RegistryError(code, message, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
