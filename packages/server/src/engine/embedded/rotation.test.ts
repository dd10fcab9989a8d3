/** When a new log cannot be created, only the commit that needed it fails. */

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();

it('is refused as unavailable, and the next commit tries again', async () => {
  const dir = await scratch();
  const warnings: string[] = [];
  const engine = await embedded({ dir, logBytes: 8_192, log: { warn: (message) => void warnings.push(message) } });
  const write = (key: string) => engine.commit({ expect: [], put: [{ key, value: Buffer.alloc(3_000) }], delete: [] });
  await write('a');
  // A directory of the same name is in the way of the file.
  const obstacle = join(dir, 'rollcall-00000002.log.new');
  await mkdir(obstacle);
  await expect(write('b')).rejects.toMatchObject({ code: 'unavailable' });
  await expect(write('b')).rejects.toMatchObject({ code: 'unavailable' });
  // A commit that still fits is accepted.
  expect(await engine.commit({ expect: [], put: [], delete: ['a'] })).toEqual({ ok: true, revision: 2 });
  await rm(obstacle, { recursive: true });
  expect(await write('c')).toEqual({ ok: true, revision: 3 });
  expect(warnings).toEqual([expect.stringContaining('refused for now'), expect.stringContaining('taken again')]);
  await engine.close();
  expect((await readdir(dir)).toSorted()).toEqual(['rollcall-00000001.log', 'rollcall-00000002.log', 'rollcall.store']);
  const again = await embedded({ dir });
  expect(await again.barrier()).toBe(3);
  await again.close();
});
