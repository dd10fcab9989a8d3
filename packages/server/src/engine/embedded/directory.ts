/**
 * The data directory: the files that it may have, and those that are the store.
 *
 *   rollcall-*.base, rollcall-*.log   the store (`store-file.ts`)
 *   rollcall.store                    marks that a store was here, even if its files are missing
 *   rollcall.sock                     the lock's socket (`lock.ts`)
 *   history/                          of the server, which knows itself whether it belongs to the store
 */

import { access, constants, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { damaged } from './frame.ts';
import { socketName } from './lock.ts';
import { fileName, isUnfinished, makeFile, openDirectory, parseName } from './store-file.ts';

/** @throws RegistryError `failed_precondition` when this user may not read and write there */
export async function assertUsable(dir: string): Promise<void> {
  try {
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = code === 'EROFS' ? 'the file system is read-only; give a directory on another' : code === 'EACCES' ? 'this user may not read and write there; start as its owner, or give another directory' : message;
    throw new RegistryError('failed_precondition', reason, { cause: error });
  }
}

/**
 * Creates the directory and its parents if they are missing, for this user only. One after the other, since Node's
 * `recursive` retries without end where the system answers ENOENT for a new entry, as /proc does.
 *
 * @param dir absolute
 * @throws RegistryError `failed_precondition` with the cause, `resource_exhausted` for a full disk
 */
export async function makeDirectory(dir: string): Promise<void> {
  const missing: string[] = [];
  let at = dir;
  try {
    for (; !(await isThere(at)); at = dirname(at)) missing.unshift(at);
    for (at of missing) await mkdir(at, { mode: 0o700 }).catch(ignoreExisting);
  } catch (error) {
    if (isRegistryError(error)) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = `${at} cannot be created: ${inTheWay[code] ?? message}`;
    throw new RegistryError(code === 'ENOSPC' || code === 'EDQUOT' ? 'resource_exhausted' : 'failed_precondition', reason, { cause: error });
  }
}

const inTheWay: Readonly<Record<string, string>> = {
  EACCES: 'this user may not create directories there',
  EPERM: 'this user may not create directories there',
  EROFS: 'the file system is read-only',
  ENOENT: 'nothing can be created there',
  ENOSPC: 'no space is left',
  EDQUOT: 'no space is left for this user',
};

/** Whether the directory exists. @throws RegistryError when the path is something else */
async function isThere(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The path leads through a file: the next call, on its parent, finds that file.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
  throw new RegistryError('failed_precondition', `${path} is a file, not a directory`);
}

/** Another process may have created it meanwhile. */
function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/**
 * Finds the store's files, or creates an empty store in an empty directory; removes the files of an unfinished
 * compaction. The caller holds the directory's lock.
 *
 * @param logBytes length of the first log
 * @returns at most one base, and the logs after it, in order
 * @throws RegistryError `failed_precondition` when the directory has files that are not ours,
 *   `data_loss` when a file of the store is missing
 */
export async function findStore(dir: string, logBytes: number): Promise<string[]> {
  const names = await readdir(dir);
  const files = names.flatMap((name) => parseName(name) ?? []);
  if (files.length === 0) {
    if (names.includes(markerName)) throw lost(dir);
    refuseForeign(names);
  }
  for (const name of names.filter(isUnfinished)) await unlink(join(dir, name));
  if (files.length === 0) {
    const start = { revision: 0, records: 0, sum: 0 };
    await makeFile(dir, { kind: 'log', sequence: 1, length: logBytes, start }, () => Promise.resolve());
    await mark(dir);
    return [fileName('log', 1)];
  }
  // A store of an earlier version, or one whose first start was cut off. On a full disk the next start tries again.
  if (!names.includes(markerName)) await mark(dir).catch(() => {});
  const base = Math.max(0, ...files.filter(({ kind }) => kind === 'base').map(({ sequence }) => sequence));
  const last = Math.max(...files.map(({ sequence }) => sequence));
  const logs = Array.from({ length: last - base }, (_, index) => fileName('log', base + 1 + index));
  const missing = logs.find((name) => !names.includes(name));
  if (missing !== undefined) throw damaged(`${missing} is missing`);
  if (logs.length === 0) throw damaged(`${fileName('log', base + 1)} is missing`);
  for (const { kind, sequence } of files) {
    const isReplaced = kind === 'base' ? sequence < base : sequence <= base;
    if (isReplaced) await unlink(join(dir, fileName(kind, sequence)));
  }
  return base === 0 ? logs : [fileName('base', base), ...logs];
}

export const markerName = 'rollcall.store';

const markerText = `This directory holds the store of a Rollcall registry: the files rollcall-*.base and rollcall-*.log.
Without this file, a directory that has lost them would be taken for a new one, and the registry would start empty.
`;

/** Written after the first log and before the first commit: a directory with the marker had a store. */
async function mark(dir: string): Promise<void> {
  const file = await open(join(dir, markerName), 'w', 0o600);
  try {
    await file.writeFile(markerText);
    await file.sync();
  } finally {
    await file.close();
  }
  const directory = await openDirectory(dir);
  await directory?.sync();
  await directory?.close();
}

function lost(dir: string): RegistryError {
  const marker = join(dir, markerName);
  return new RegistryError(
    'data_loss',
    `${markerName} says that a store was here, but none of its files (rollcall-*.log) is left; put them back; to start with nothing, and restore a backup then, delete ${marker}`,
  );
}

function refuseForeign(names: readonly string[]): void {
  const foreign = names.filter((name) => !isUnfinished(name) && !mayLieInAnEmptyDirectory(name));
  if (foreign.length === 0) return;
  const some = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ', …' : '');
  const message = `it has no store, but files that are not Rollcall's (${some}); give an empty directory`;
  throw new RegistryError('failed_precondition', message);
}

/** Files of file systems, of version control, of our own lock and history; a directory with these alone counts as empty. */
function mayLieInAnEmptyDirectory(name: string): boolean {
  return name === 'lost+found' || name.startsWith('.') || name === socketName || name === 'history';
}
