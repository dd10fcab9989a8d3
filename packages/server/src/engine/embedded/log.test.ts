/** Where a commit writes in its file. */

import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();
const value = Buffer.alloc(2_000, 1);

it('a commit takes zeros along, so that the file needs no new blocks for the commits after it', async () => {
  const dir = await scratch();
  const engine = await embedded({ dir });
  const file = join(dir, 'rollcall-00000001.log');
  const allocated = async () => (await stat(file)).blocks * 512;
  const sizes: number[] = [];
  for (let n = 0; n < 300; n++) {
    await engine.commit({ expect: [], put: [{ key: `k${n}`, value }], delete: [] });
    sizes.push(await allocated());
  }
  expect(sizes[0]).toBeGreaterThanOrEqual(262_144);
  // 600 kB are three such steps.
  expect(new Set(sizes).size).toBe(3);
  await engine.close();
});

it('a file that is full to its end has its length, and the next start finds all', async () => {
  const dir = await scratch();
  const logBytes = 8_192;
  let engine = await embedded({ dir, logBytes });
  for (let n = 0; n < 20; n++) await engine.commit({ expect: [], put: [{ key: `k${n % 3}`, value }], delete: [] });
  await engine.close();
  engine = await embedded({ dir, logBytes });
  expect(await engine.barrier()).toBe(20);
  await engine.close();
});

it('bytes after the last commit are zero', async () => {
  const dir = await scratch();
  const engine = await embedded({ dir });
  await engine.commit({ expect: [], put: [{ key: 'k', value }], delete: [] });
  const file = await open(join(dir, 'rollcall-00000001.log'));
  const { buffer } = await file.read(Buffer.alloc(262_144), 0, 262_144, 8_192);
  expect(buffer.equals(Buffer.alloc(262_144))).toBe(true);
  await file.close();
  await engine.close();
});
