/**
 * Writing with lmdb-js. The only file that knows it; nothing is ever read through it.
 *
 * What lmdb-js does that is not obvious, and what is done about it here:
 *
 * - With `overlappingSync` (its default) a write is acknowledged before it is on the disk. It is off:
 *   the promise of a batch resolves after fdatasync of the pages and an O_DSYNC write of the head.
 * - `transaction(async)` does not roll back when its callback throws. Not used: expectations are
 *   checked before, and a batch is one LMDB transaction, all of it or nothing.
 * - A failed batch rejects with an error whose `commitError` is a second promise that rejects, too.
 * - After LMDB failed to write its head it refuses to begin, and lmdb-js then waits for ever with a
 *   lock held. So nothing is written after a failure before `usable` was asked.
 * - When LMDB cannot open its files, lmdb-js frees an object twice: SIGSEGV (`ExtendedEnv` in
 *   src/env.cpp). So everything that LMDB will open is opened here first, and as often.
 * - LMDB extends its lock file without writing to it and then stores through a map: on a full disk
 *   that is a SIGBUS. So the lock file gets its blocks before.
 * - Pages that LMDB has touched through its map count as the process's memory until it unmaps them.
 */

import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';

export interface Write {
  readonly key: Buffer;
  /** Undefined removes the record. */
  readonly value: Buffer | undefined;
  readonly revision: number;
}

export interface Driver {
  /**
   * Writes all or nothing, durably, if the head is still at revision `expected` (undefined: absent).
   * @returns false when it is not: another process has written, and nothing was written here
   * @throws what LMDB reports; whether anything was written is then unknown
   */
  write(head: Write, expected: number | undefined, writes: readonly Write[]): Promise<boolean>;
  /** Keeps the pages of the present snapshot, and of later ones, from being reused until called back. */
  pin(): () => void;
  /** Whether LMDB can go on after a failure. */
  usable(): boolean;
  /**
   * Unmaps and maps the file anew, unless something is pinned. No write may be under way.
   * @throws what the system says; `usable` tells whether the old mapping is still there
   */
  remap(): Promise<void>;
  /** Ends all pins, too. */
  close(): Promise<void>;
}

/** Larger than LMDB's lock file, whose size depends on the number of readers (8,272 bytes for 126). */
const lockFileBytes = 16_384;

/** @param path of the data file; it need not exist */
export function openDriver(path: string): Driver {
  tryFiles(path);
  const pins = new Set<() => void>();
  let db = openDatabase(path);
  return {
    async write(head, expected, writes) {
      const put = () => {
        for (const { key, value, revision } of writes) {
          if (value === undefined) void db.remove(key);
          else void db.put(key, value, revision);
        }
        void db.put(head.key, head.value as Buffer, head.revision);
      };
      try {
        return await (expected === undefined ? db.ifNoExists(head.key, put) : db.ifVersion(head.key, expected, put));
      } catch (error) {
        throw await causeOf(error);
      }
    },
    pin() {
      const transaction = db.useReadTransaction();
      const release = () => {
        if (pins.delete(release)) transaction.done();
      };
      pins.add(release);
      return release;
    },
    usable() {
      try {
        db.transactionSync(() => {});
        return true;
      } catch {
        return false;
      }
    },
    async remap() {
      if (pins.size > 0) return;
      // Not `tryFiles`: to close a descriptor of the lock file ends LMDB's locks on it (fcntl(2)).
      tryDescriptors(path);
      await db.close();
      db = openDatabase(path);
    },
    close() {
      for (const release of pins) release();
      return db.close();
    },
  };
}

function openDatabase(path: string): RootDatabase<Buffer, Buffer> {
  return open(path, {
    noSubdir: true,
    maxDbs: 1,
    encoding: 'binary',
    keyEncoding: 'binary',
    useVersions: true,
    overlappingSync: false,
    eventTurnBatching: false,
  });
}

/** The reason that lmdb-js hides behind "Commit failed". */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  try {
    await commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

/** @throws what the system says when LMDB would not be able to open its files */
function tryFiles(path: string): void {
  tryDescriptors(path);
  const fd = openSync(`${path}-lock`, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    // A lock file that is there may be in use and is left as it is.
    if (fstatSync(fd).size >= lockFileBytes) return;
    if (writeSync(fd, Buffer.alloc(lockFileBytes), 0, lockFileBytes, 0) < lockFileBytes) {
      throw Object.assign(new Error(`no room for ${path}-lock`), { code: 'ENOSPC' });
    }
  } finally {
    closeSync(fd);
  }
}

/** LMDB opens the data file twice and the lock file once; one more is for what another thread opens. */
function tryDescriptors(path: string): void {
  const fds: number[] = [];
  try {
    for (let count = 0; count < 4; count++) fds.push(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
