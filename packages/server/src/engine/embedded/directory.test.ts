/** What may lie in a data directory, and what is refused at the start. */

import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRegistryError, type ErrorCode } from '@rollcall/protocol';
import { open as openLmdb } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { openDriver } from './driver.ts';
import { embedded } from './embedded.ts';
import { encodeValue, headKey, markOf } from './stored-record.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();

/** A directory with a closed store that has one record. */
async function stored(): Promise<string> {
  const dir = await scratch();
  const engine = await embedded({ dir });
  await engine.commit({ expect: [], put: [{ key: 'a', value: Buffer.from('1') }], delete: [] });
  await engine.close();
  return dir;
}

async function refusal(dir: string, code: ErrorCode): Promise<string> {
  let engine;
  try {
    engine = await embedded({ dir });
  } catch (error) {
    if (isRegistryError(error, code)) {
      expect(error.message).toContain(dir);
      return error.message;
    }
    throw error;
  }
  await engine.close();
  throw new Error('the store was opened');
}

/** Writes the head of a store as another version would. */
async function writeHead(dir: string, content: unknown): Promise<void> {
  const driver = openDriver(join(dir, 'rollcall.mdb'));
  const value = encodeValue(Buffer.from(JSON.stringify(content)), markOf(headKey, 9));
  await driver.write({ key: headKey, value, revision: 9 }, 1, []);
  await driver.close();
}

describe('data directory', () => {
  it('is made with its parents, for this user only', async () => {
    const dir = join(await scratch(), 'deep', 'data');
    await (await embedded({ dir })).close();
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'rollcall.mdb'))).mode & 0o077).toBe(0);
    expect((await readdir(dir)).toSorted()).toEqual(['rollcall.mdb', 'rollcall.mdb-lock']);
  });

  it('may have what file systems and version control put there', async () => {
    const dir = await scratch();
    await mkdir(join(dir, 'lost+found'));
    await writeFile(join(dir, '.gitkeep'), '');
    await (await embedded({ dir })).close();
  });

  it('may have other files beside a store', async () => {
    const dir = await stored();
    await writeFile(join(dir, 'backup.rollcall'), 'x');
    await (await embedded({ dir })).close();
  });

  it('is refused when it has files of somebody else, which are left alone', async () => {
    const dir = await scratch();
    for (const name of ['a.txt', 'b.txt', 'c.txt', 'd.txt']) await writeFile(join(dir, name), 'precious');
    expect(await refusal(dir, 'failed_precondition')).toContain('a.txt, b.txt, c.txt, …');
    expect(await readdir(dir)).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
  });

  it('is refused when it is a file', async () => {
    const path = join(await scratch(), 'file');
    await writeFile(path, '');
    await refusal(path, 'failed_precondition');
  });

  it('starts over a store that was never finished', async () => {
    const dir = await scratch();
    await writeFile(join(dir, 'rollcall.mdb.new'), 'half');
    await writeFile(join(dir, 'rollcall.mdb.new-lock'), '');
    const engine = await embedded({ dir });
    expect(await engine.barrier()).toBe(0);
    await engine.close();
  });

  it('is refused when its store is gone, rather than started empty', async () => {
    const dir = await stored();
    await rm(join(dir, 'rollcall.mdb'));
    expect(await refusal(dir, 'data_loss')).toContain('rollcall.mdb is missing');
  });

  it('is in use while it is open, by any name', async () => {
    const dir = await scratch();
    const engine = await embedded({ dir });
    expect(await refusal(dir, 'failed_precondition')).toContain(`in use by process ${process.pid}`);
    const link = `${dir}-link`;
    await symlink(dir, link);
    try {
      await refusal(link, 'failed_precondition');
    } finally {
      await rm(link);
      await engine.close();
    }
    await (await embedded({ dir })).close();
  });

  it('is free again after it was refused', async () => {
    const dir = await scratch();
    await writeFile(join(dir, 'a.txt'), '');
    await refusal(dir, 'failed_precondition');
    await refusal(dir, 'failed_precondition');
    await rm(join(dir, 'a.txt'));
    await (await embedded({ dir })).close();
  });
});

describe('a store of another kind', () => {
  it('is refused when another format version wrote it', async () => {
    const dir = await stored();
    await writeHead(dir, { store: 'rollcall', format: 2, records: 1, sum: 0 });
    expect(await refusal(dir, 'failed_precondition')).toContain('has format 2, this version of Rollcall reads 1');
  });

  it('is refused when it is an LMDB file of another program', async () => {
    const dir = await scratch();
    const db = openLmdb(join(dir, 'rollcall.mdb'), { noSubdir: true, overlappingSync: false });
    await db.put('hello', 'world');
    await db.close();
    const before = await readdir(dir);
    expect(await refusal(dir, 'failed_precondition')).toContain('not one of Rollcall');
    expect(await readdir(dir)).toEqual(before);
  });

  it('is refused when it is no LMDB file at all', async () => {
    const dir = await scratch();
    await writeFile(join(dir, 'rollcall.mdb'), 'SQLite format 3\0'.repeat(1_000));
    await refusal(dir, 'failed_precondition');
  });

  it('keeps its content when it is moved to another directory', async () => {
    const dir = await stored();
    const other = await scratch();
    await rename(join(dir, 'rollcall.mdb'), join(other, 'rollcall.mdb'));
    const engine = await embedded({ dir: other });
    expect(await engine.barrier()).toBe(1);
    await engine.close();
  });
});
