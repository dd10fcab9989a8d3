/** Files that a data directory may have, and those that are refused at the start. */

import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { isRegistryError, type ErrorCode } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();
const log = 'rollcall-00000001.log';

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

describe('data directory', () => {
  it('is created with its parents, for this user only', async () => {
    const dir = join(await scratch(), 'deep', 'data');
    await (await embedded({ dir })).close();
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, log))).mode & 0o077).toBe(0);
    expect(await readdir(dir)).toEqual([log, 'rollcall.store']);
  });

  it('may have files of file systems and version control', async () => {
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

  it('is refused when it has foreign files, which stay unchanged', async () => {
    const dir = await scratch();
    for (const name of ['a.txt', 'b.txt', 'c.txt', 'd.txt']) await writeFile(join(dir, name), 'precious');
    expect(await refusal(dir, 'failed_precondition')).toContain('a.txt, b.txt, c.txt, …');
    expect(await readdir(dir)).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
  });

  it.each([
    ['has lost its only log', [log]],
    ['has lost its only log and has other files', [log], 'backup.rollcall'],
  ])('is refused when it %s, and opens when the log is back', async (_what, gone, other?: string) => {
    const dir = await stored();
    const elsewhere = await scratch();
    for (const name of gone) await rename(join(dir, name), join(elsewhere, name));
    if (other !== undefined) await writeFile(join(dir, other), 'x');
    const message = await refusal(dir, 'data_loss');
    expect(message).toContain('none of its files (rollcall-*.log) is left');
    expect(message).toContain(`delete ${join(dir, 'rollcall.store')}`);
    for (const name of gone) await rename(join(elsewhere, name), join(dir, name));
    const engine = await embedded({ dir });
    expect(await engine.barrier()).toBe(1);
    await engine.close();
  });

  it('keeps the files of an unfinished write when the store is missing', async () => {
    const dir = await stored();
    await rename(join(dir, log), join(dir, `${log}.new`));
    await refusal(dir, 'data_loss');
    expect(await readdir(dir)).toContain(`${log}.new`);
  });

  it('can be initialised again once its marker is deleted, as the message says', async () => {
    const dir = await stored();
    for (const name of [log, 'rollcall.store']) await rm(join(dir, name));
    const engine = await embedded({ dir });
    expect(await engine.barrier()).toBe(0);
    await engine.close();
  });

  it('of an earlier version has no marker, and gets one', async () => {
    const dir = await stored();
    await rm(join(dir, 'rollcall.store'));
    await (await embedded({ dir })).close();
    await rm(join(dir, log));
    await refusal(dir, 'data_loss');
  });

  // Node's recursive mkdir would try without end.
  it('is refused where nothing can be created', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux has a /proc that takes no directories');
    expect(await refusal('/proc/rollcall/data', 'failed_precondition')).toContain('/proc/rollcall cannot be created: nothing can be created there');
  });

  it('is refused below a file', async () => {
    const path = join(await scratch(), 'file');
    await writeFile(path, '');
    expect(await refusal(join(path, 'a', 'b'), 'failed_precondition')).toContain(`${path} is a file, not a directory`);
  });

  it('is refused when it is a file', async () => {
    const path = join(await scratch(), 'file');
    await writeFile(path, '');
    await refusal(path, 'failed_precondition');
  });

  it('starts over a store that was never finished', async () => {
    const dir = await scratch();
    await writeFile(join(dir, `${log}.new`), 'half');
    const engine = await embedded({ dir });
    expect(await engine.barrier()).toBe(0);
    expect((await readdir(dir)).filter((name) => name.endsWith('.new'))).toEqual([]);
    await engine.close();
  });

  it('is in use while it is open, under every path that leads to it', async () => {
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
    const path = join(dir, log);
    const bytes = await readFile(path);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 56)), 56);
    await writeFile(path, bytes);
    expect(await refusal(dir, 'failed_precondition')).toContain('has format 2, this version of Rollcall reads 1');
  });

  it('is refused when a file only has the name of one of ours', async () => {
    const dir = await scratch();
    await writeFile(join(dir, log), 'SQLite format 3\0'.repeat(1_000));
    expect(await refusal(dir, 'failed_precondition')).toContain('not a file of a Rollcall store');
  });

  it('is refused when its files are of two stores', async () => {
    const [one, other] = [await stored(), await stored()];
    for (const dir of [one, other]) {
      const engine = await embedded({ dir, logBytes: 8_192 });
      const put = [{ key: 'b', value: Buffer.alloc(20_000_000 / 4) }];
      for (let round = 0; round < 4; round++) await engine.commit({ expect: [], put, delete: [] });
      if (dir === other) await engine.commit({ expect: [], put, delete: ['a'] });
      await engine.close();
    }
    const last = (await readdir(one)).filter((name) => name.endsWith('.log')).toSorted().at(-1) as string;
    await cp(join(other, last), join(one, last));
    await refusal(one, 'data_loss');
  });

  it('keeps its content when it is moved to another directory', async () => {
    const dir = await stored();
    const other = await scratch();
    await rename(join(dir, log), join(other, log));
    const engine = await embedded({ dir: other });
    expect(await engine.barrier()).toBe(1);
    await engine.close();
  });
});
