/**
 * The data directory: what may lie in it, and which files are the store.
 *
 *   rollcall-*.base, rollcall-*.log   the store (`store-file.ts`)
 *   rollcall.sock                     the lock's socket (`lock.ts`)
 */

import { mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RegistryError } from '@rollcall/protocol';
import { damaged } from './frame.ts';
import { socketName } from './lock.ts';
import { fileName, isUnfinished, makeFile, parseName } from './store-file.ts';

/** Creates the directory and its parents if they are missing, for this user only. */
export async function makeDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
}

/**
 * Finds the store's files, or makes an empty store in an empty directory; removes what an unfinished
 * compaction left. The caller holds the directory's lock.
 *
 * @param logBytes length of the first log
 * @returns at most one base, and the logs after it, in order
 * @throws RegistryError `failed_precondition` when the directory has files that are not ours,
 *   `data_loss` when a file of the store is missing
 */
export async function findStore(dir: string, logBytes: number): Promise<string[]> {
  const names = await readdir(dir);
  for (const name of names.filter(isUnfinished)) await unlink(join(dir, name));
  const files = names.flatMap((name) => parseName(name) ?? []);
  if (files.length === 0) {
    refuseForeign(names);
    const start = { revision: 0, records: 0, sum: 0 };
    await makeFile(dir, { kind: 'log', sequence: 1, length: logBytes, start }, () => Promise.resolve());
    return [fileName('log', 1)];
  }
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

function refuseForeign(names: readonly string[]): void {
  const foreign = names.filter((name) => !isUnfinished(name) && !mayLieInAnEmptyDirectory(name));
  if (foreign.length === 0) return;
  const some = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ', …' : '');
  const message = `it has no store, but files that are not Rollcall's (${some}); give an empty directory`;
  throw new RegistryError('failed_precondition', message);
}

/** What file systems, version control and our own lock put into directories that people call empty. */
function mayLieInAnEmptyDirectory(name: string): boolean {
  return name === 'lost+found' || name.startsWith('.') || name === socketName;
}
