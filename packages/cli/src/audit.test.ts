/** `rollcall audit verify` on a log that a real server has written. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, rollcall, serve } from './processes.case.ts';

async function written(): Promise<{ file: string; lines: string[] }> {
  const file = join(folder(), 'audit.log');
  const server = await serve('--audit-log', file);
  for (const key of ['a', 'b', 'c']) {
    const put = await fetch(`${server.url}/v1/kv/${key}`, { method: 'PUT', body: 'secret-value' });
    expect(put.status).toBe(200);
  }
  server.child.kill('SIGTERM');
  await server.ended;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines.join()).not.toContain('secret-value');
  return { file, lines };
}

describe('rollcall audit verify', () => {
  it('reports a complete log with its last hash', async () => {
    const { file, lines } = await written();
    const { hash } = JSON.parse(lines[2] ?? '') as { hash: string };
    expect(await rollcall(['audit', 'verify', file, '--json'])).toMatchObject({ code: 0, stdout: `${JSON.stringify({ lines: 3, hash })}\n` });
    const plain = await rollcall(['audit', 'verify', file, '--contains', hash]);
    expect(plain).toMatchObject({ code: 0, stdout: `${file}: 3 lines unchanged; the last has the hash ${hash}\n` });
    // Only a hash that is kept elsewhere shows that the end of a file was cut off.
    writeFileSync(file, `${lines.slice(0, 2).join('\n')}\n`);
    expect((await rollcall(['audit', 'verify', file])).code).toBe(0);
    const cut = await rollcall(['audit', 'verify', file, '--contains', hash]);
    expect(cut).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`no line has the hash ${hash}`) });
  });

  it('names the first line that was changed, removed, or is not a line of a log', async () => {
    const { file, lines } = await written();
    const verdict = async (text: string) => {
      writeFileSync(file, text);
      const { code, stderr } = await rollcall(['audit', 'verify', file]);
      return [code, stderr];
    };
    expect(await verdict(`${lines.join('\n').replace('/v1/kv/b', '/v1/kv/x')}\n`)).toEqual([1, `rollcall: ${file}: line 2: the line was changed\n`]);
    expect(await verdict(`${lines[0]}\n${lines[2]}\n`)).toEqual([1, `rollcall: ${file}: line 2: the line does not follow the one before\n`]);
    expect(await verdict('nonsense\n')).toEqual([1, `rollcall: ${file}: line 1: not a line of an audit log\n`]);
    const missing = await rollcall(['audit', 'verify', `${file}.gone`]);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read the audit log: there is no ') });
  });
});
