/** `kv` as processes against a real registry. */

import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, sharedRegistry, start } from './processes.case.ts';

const { url, ask } = sharedRegistry();

describe('kv', () => {
  it('keeps text, files and pipes byte for byte', async () => {
    const dir = folder();
    const bytes = randomBytes(100_000);
    writeFileSync(join(dir, 'value'), bytes);
    expect(await ask(['kv', 'put', 'text', 'grüße\n'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect((await ask(['kv', 'put', 'file', '@value'], { cwd: dir })).code).toBe(0);
    expect((await ask(['kv', 'put', 'pipe', '-'], { input: bytes })).code).toBe(0);
    expect((await ask(['kv', 'put', 'empty', ''])).code).toBe(0);
    expect((await ask(['kv', 'get', 'text'])).stdout).toBe('grüße\n');
    expect((await ask(['kv', 'get', 'empty'])).stdout).toBe('');
    for (const key of ['file', 'pipe']) {
      const get = start(['kv', 'get', key, '--raw', '--addr', url()]);
      expect((await get.ended).code).toBe(0);
      expect(sha256(get.stdoutBytes())).toBe(sha256(bytes));
    }
  });

  it('get --json is the whole entry', async () => {
    await ask(['kv', 'put', 'json/a', 'x', '--flags', '18446744073709551615']);
    await ask(['kv', 'put', 'json/b', '-'], { input: Buffer.from([0xff, 0x00]) });
    const a = JSON.parse((await ask(['kv', 'get', 'json/a', '--json'])).stdout) as { revision: number };
    expect(a).toEqual({ key: 'json/a', value: 'x', base64: 'eA==', flags: '18446744073709551615', revision: a.revision });
    expect(a.revision).toBeGreaterThan(0);
    expect(JSON.parse((await ask(['kv', 'get', 'json/b', '--json'])).stdout)).toMatchObject({ value: null, base64: '/wA=' });
  });

  it('get of no key is exit code 3', async () => {
    expect(await ask(['kv', 'get', 'no/such'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: 'rollcall: there is no key "no/such"\n',
    });
  });

  it('put and delete obey --cas', async () => {
    expect((await ask(['kv', 'put', 'cas', '1', '--cas', '0'])).code).toBe(0);
    expect(await ask(['kv', 'put', 'cas', '2', '--cas', '0'])).toMatchObject({
      code: 1,
      stderr: 'rollcall: not written: "cas" exists\n',
    });
    const { revision } = JSON.parse((await ask(['kv', 'get', 'cas', '--json'])).stdout) as { revision: number };
    expect((await ask(['kv', 'put', 'cas', '3', '--cas', String(revision)])).code).toBe(0);
    expect(await ask(['kv', 'put', 'cas', '4', '--cas', String(revision)])).toMatchObject({
      code: 1,
      stderr: `rollcall: not written: "cas" is not at revision ${revision}\n`,
    });
    expect(await ask(['kv', 'delete', 'cas', '--cas', String(revision)])).toMatchObject({
      code: 1,
      stderr: `rollcall: not removed: "cas" is not at revision ${revision}\n`,
    });
    expect((await ask(['kv', 'get', 'cas'])).stdout).toBe('3');
  });

  it('list and delete work on prefixes, in order', async () => {
    for (const key of ['list/a/2', 'list/a/1', 'list/b']) await ask(['kv', 'put', key, `value of ${key}`]);
    const table = await ask(['kv', 'list', 'list/a/']);
    expect(table.stdout).toMatch(/^KEY +REVISION +BYTES +VALUE\nlist\/a\/1 +\d+ +17 +value of list\/a\/1\nlist\/a\/2 +\d+ +17 +value of list\/a\/2\n$/);
    const all = JSON.parse((await ask(['kv', 'list', 'list/', '--json'])).stdout) as { key: string }[];
    expect(all.map(({ key }) => key)).toEqual(['list/a/1', 'list/a/2', 'list/b']);
    expect((await ask(['kv', 'delete', 'list/a/', '--recurse'])).code).toBe(0);
    expect((await ask(['kv', 'delete', 'list/gone'])).code).toBe(0);
    const rest = JSON.parse((await ask(['kv', 'list', 'list/', '--json'])).stdout) as { key: string }[];
    expect(rest.map(({ key }) => key)).toEqual(['list/b']);
    expect(await ask(['kv', 'list', 'list/a/'])).toMatchObject({ code: 0, stdout: '', stderr: 'rollcall: no key begins with "list/a/"\n' });
  });

  it('watch follows a key from before it exists until after it is removed, and a prefix', async () => {
    const key = start(['kv', 'watch', 'watch/b', '--json', '--addr', url()]);
    const prefix = start(['kv', 'watch', 'watch/', '--prefix', '--json', '--addr', url()]);
    expect(JSON.parse((await key.seen(/^.*\n/))[0])).toMatchObject({ entries: [] });
    expect(JSON.parse((await prefix.seen(/^.*\n/))[0])).toMatchObject({ entries: [] });
    await ask(['kv', 'put', 'watch/b', 'one']);
    expect(JSON.parse((await key.seen(/^.*"one".*\n/m))[0])).toMatchObject({ entries: [{ key: 'watch/b', value: 'one' }] });
    expect(JSON.parse((await prefix.seen(/^.*"one".*\n/m))[0])).toMatchObject({ entries: [{ key: 'watch/b', value: 'one' }] });
    await ask(['kv', 'delete', 'watch/b']);
    const gone = JSON.parse((await key.seen(/"one".*\n(.*"entries":\[\].*\n)/))[1] ?? '') as object;
    expect(gone).toMatchObject({ entries: [] });
  });

  it('shows control characters of a value as text on a terminal, unless --raw is given', async () => {
    await ask(['kv', 'put', 'rude/key', '\u001b[2Jgone\u009b']);
    const { stdout } = await ask(['kv', 'list', 'rude/']);
    expect(stdout).toContain('\\x1b[2Jgone\\x9b');
    expect(stdout).not.toContain('\u001b');
    expect((await ask(['kv', 'get', 'rude/key', '--raw'])).stdout).toBe('\u001b[2Jgone\u009b');
  });

  it('refuses wrong values, and changes nothing', async () => {
    await ask(['kv', 'put', 'large', 'before']);
    const large = await ask(['kv', 'put', 'large', '-'], { input: Buffer.alloc(600_000) });
    expect(large).toMatchObject({ code: 1, stdout: '' });
    expect(large.stderr).toMatch(/^rollcall: .*524288.*\n$/);
    expect((await ask(['kv', 'get', 'large'])).stdout).toBe('before');
    const missing = await ask(['kv', 'put', 'large', '@no-such-file']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('cannot read the value: ENOENT');
  });
});

describe('kv export and import', () => {
  it('copy keys, values and flags from one prefix to another', async () => {
    const bytes = randomBytes(1_000);
    await ask(['kv', 'put', 'moved/a', 'x', '--flags', '18446744073709551615']);
    await ask(['kv', 'put', 'moved/b ?#%', '-'], { input: bytes });
    await ask(['kv', 'put', 'moved/c', '']);
    const exported = await ask(['kv', 'export', 'moved/']);
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(exported.stdout)).toMatchObject([{ key: 'moved/a', value: 'eA==' }, { key: 'moved/b ?#%' }, { key: 'moved/c', value: '' }]);
    const imported = await ask(['kv', 'import', '--prefix', 'copy/', '-'], { input: exported.stdout });
    expect(imported).toMatchObject({ code: 0, stdout: 'imported copy/moved/a\nimported copy/moved/b ?#%\nimported copy/moved/c\n' });
    const copy = await ask(['kv', 'export', 'copy/']);
    expect(copy.stdout.replaceAll('copy/moved/', 'moved/')).toBe(exported.stdout);
    expect(copy.stdout).toContain('"flags": 18446744073709551615,');
  });

  it('export of no key is an empty array', async () => {
    expect(await ask(['kv', 'export', 'no/such/'])).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
  });

  it('import reads a file, and writes nothing when an entry is wrong', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'bad.json'), '[{"key":"half/a","flags":0,"value":"eA=="},{"key":"half/b","flags":0,"value":"?"}]');
    const refused = await ask(['kv', 'import', '@bad.json'], { cwd: dir });
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: 'rollcall: entry 2 of the data: "value" of "half/b" is not base64\n' });
    expect((await ask(['kv', 'export', 'half/'])).stdout).toBe('[]\n');
    writeFileSync(join(dir, 'good.json'), '[{"key":"half/a","flags":7,"value":"eA=="}]');
    expect(await ask(['kv', 'import', '@good.json', '--json'], { cwd: dir })).toMatchObject({ code: 0, stdout: '{"imported":1}\n' });
    expect(JSON.parse((await ask(['kv', 'get', 'half/a', '--json'])).stdout)).toMatchObject({ value: 'x', flags: '7' });
  });

  it('import reports which key was refused', async () => {
    const large = Buffer.alloc(600_000, 'x').toString('base64');
    const input = `[{"key":"part/a","flags":0,"value":"eA=="},{"key":"part/b","flags":0,"value":"${large}"}]`;
    const refused = await ask(['kv', 'import', '-'], { input });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^rollcall: part\/b was not written; \d keys? of 2 were\nrollcall: .*524288/);
  });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
