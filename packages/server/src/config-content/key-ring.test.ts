/** Keys of configurations from a file and from a command. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadKeyRing, readKeyRing } from './key-ring.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const text = `# newest first\n2026-11:${key(1)}\r\n\n 2025-11:${key(2)}\n`;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(content: string, mode = 0o600): Promise<string> {
  const file = join(folder, 'keys');
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

it('the first key is the newest, and all are found by id', () => {
  const ring = readKeyRing(text, 'test');
  expect(ring.newest).toEqual({ id: '2026-11', bytes: Buffer.alloc(32, 1) });
  expect([ring.find('2025-11')?.bytes, ring.find('2024-11')]).toEqual([Buffer.alloc(32, 2), undefined]);
});

it.each([
  ['', 'test has no key'],
  ['# only a comment\n', 'test has no key'],
  [key(1), 'test, line 1: there is no key id'],
  [`a b:${key(1)}`, 'test, line 1: there is no key id'],
  [`\n2026:${Buffer.alloc(31).toString('base64')}`, 'test, line 2: the key has 31 bytes'],
  [`a:${key(1)}\na:${key(2)}`, 'test, line 2: key a is there twice'],
])('%j is refused', (bad, reason) => {
  expect(() => readKeyRing(bad, 'test')).toThrow(reason);
});

it('a file that other users may read is refused', async () => {
  expect((await loadKeyRing({ file: await fileWith(text) })).newest?.id).toBe('2026-11');
  expect((await loadKeyRing({ file: await fileWith(text, 0o640) })).newest?.id).toBe('2026-11');
  await expect(loadKeyRing({ file: await fileWith(text, 0o644) })).rejects.toThrow(/mode 644\); run chmod 600/);
});

it('a file that does not exist is named', async () => {
  await expect(loadKeyRing({ file: join(folder, 'none') })).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining(join(folder, 'none')) as string });
});

it('a command prints them', async () => {
  expect((await loadKeyRing({ command: `cat ${await fileWith(text)}` })).newest?.id).toBe('2026-11');
});

it('a command that fails is refused with what it said of the failure, not with its output', async () => {
  const failing = loadKeyRing({ command: `echo k:${key(9)}; echo no permission >&2; exit 3` });
  await expect(failing).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringMatching(/^the command .*\(echo …\) ended with status 3: no permission$/) as string });
});

it('both at once are refused, and none gives no keys', async () => {
  await expect(loadKeyRing({ file: 'a', command: 'b' })).rejects.toThrow(/give one of them/);
  expect((await loadKeyRing({})).newest).toBeUndefined();
});
