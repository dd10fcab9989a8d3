/**
 * The data directory: what may lie in it, and how a new store comes into being.
 *
 *   rollcall.mdb        the store
 *   rollcall.mdb-lock   LMDB's readers and locks; worthless while nobody has the store open
 *   rollcall.mdb.new    a store being made; it gets its name once it is whole and on the disk
 */

import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RegistryError } from '@rollcall/protocol';
import { openDriver } from './driver.ts';
import { probeName } from './room.ts';
import { encodeHead, formatVersion, headKey } from './stored-record.ts';

const storeName = 'rollcall.mdb';
const lockName = `${storeName}-lock`;
const newName = `${storeName}.new`;
const leftovers = [newName, `${newName}-lock`, probeName];

/**
 * Creates the directory and its parents if they are missing, for this user only.
 * @throws RegistryError `failed_precondition` when it cannot be a directory
 */
export async function makeDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
}

/**
 * Finds the store, or makes an empty one in an empty directory. The caller holds the directory's lock.
 *
 * @returns the path of the data file
 * @throws RegistryError `failed_precondition` when the directory has files that are not ours,
 *   `data_loss` when the data file is gone
 */
export async function findStore(dir: string): Promise<string> {
  const path = join(dir, storeName);
  const names = await readdir(dir);
  for (const name of leftovers) {
    if (names.includes(name)) await rm(join(dir, name), { force: true });
  }
  if (names.includes(storeName)) return path;
  if (names.includes(lockName)) {
    const message = `${storeName} is missing; put it back, or remove ${lockName} to start with an empty store`;
    throw new RegistryError('data_loss', message);
  }
  const foreign = names.filter((name) => !leftovers.includes(name) && !mayLieInAnEmptyDirectory(name));
  if (foreign.length > 0) {
    const some = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ', …' : '');
    const message = `it has no store, but files that are not Rollcall's (${some}); give an empty directory`;
    throw new RegistryError('failed_precondition', message);
  }
  await makeStore(join(dir, newName));
  await rename(join(dir, newName), path);
  await rm(join(dir, `${newName}-lock`), { force: true });
  await syncDirectory(dir);
  return path;
}

/** What file systems and version control put into directories that people call empty. */
function mayLieInAnEmptyDirectory(name: string): boolean {
  return name === 'lost+found' || name.startsWith('.');
}

async function makeStore(path: string): Promise<void> {
  // LMDB would let the group read it.
  await writeFile(path, '', { mode: 0o600 });
  const driver = openDriver(path);
  try {
    const value = encodeHead({ format: formatVersion, revision: 0, records: 0, sum: 0 });
    await driver.write({ key: headKey, value, revision: 0 }, undefined, []);
  } finally {
    await driver.close();
  }
}

/** Makes a renamed file's name durable. Windows has no such thing and needs none. */
async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
