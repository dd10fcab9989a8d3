/** Export and import of configurations on the command line: archives, clusters and secrets. */

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { folder, here, serve, sharedRegistry } from './processes.case.ts';

const keys = mkdtempSync(join(tmpdir(), 'rollcall-keys-'));
const keyFile = join(keys, 'keys');
writeFileSync(keyFile, `k1:${Buffer.alloc(32, 7).toString('base64')}\n`);
chmodSync(keyFile, 0o600);
afterAll(() => rmSync(keys, { recursive: true }));

const { url } = sharedRegistry('--config-key-file', keyFile);
const at = (registry: string, namespace: string) => (...args: string[]) => here(['config', ...args, '--namespace', namespace, '--addr', registry]);

async function environment(name: string, registry = url()) {
  if (name !== 'default') await here(['namespaces', 'create', name, '--addr', registry]);
  return at(registry, name);
}

describe('an archive', () => {
  it('has every cluster and the settings, and makes another environment equal', async () => {
    const from = await environment('zip-from');
    const post = (path: string, query: object, body: object) => fetch(`${url()}/rollcall/v1/config${path}?${new URLSearchParams({ environment: 'zip-from', app: 'shop', ...query }).toString()}`, { method: 'POST', body: JSON.stringify(body) });
    const settings = { visibility: 'public', parents: [{ app: 'base', name: 'all' }], schema: '{"type": "object"}', description: 'about it', tags: ['x'], owners: ['ann'], bytesMax: 5_000, checks: [{ expect: '"a" in keys' }] };
    expect((await post('/publish', { name: 'app.yaml' }, { content: 'a: 1', format: 'yaml', settings })).status).toBe(200);
    await from('publish', 'shop/app.yaml', '--content', 'a: blue', '--cluster', 'blue');
    await from('publish', 'shop/flags', '--content', '{"flags": {}}', '--format', 'flags');
    await from('publish', 'other/x', '--content', 'x');
    await from('set', 'shop/draft', 'never published');
    const [file, only] = [join(folder(), 'all.zip'), join(folder(), 'shop.zip')];
    expect(await from('export', file)).toMatchObject({ code: 0, stdout: `4 configurations written to ${file}\n` });
    expect((await from('export', only, '--app', 'shop')).stdout).toContain('3 configurations');
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const to = await environment('zip-to');
    await to('publish', 'mine/own', '--content', 'stays');
    const lines = 'create other/x\ncreate shop/@blue/app.yaml\ncreate shop/app.yaml\ncreate shop/flags\n';
    expect((await to('import', file, '--dry-run')).stdout).toBe(`${lines}4 configurations would be imported\n`);
    expect((await to('get', 'other/x')).code).toBe(3);
    expect(await to('import', file, '--message', 'moved')).toMatchObject({ code: 0, stdout: `${lines}4 configurations imported\n` });
    expect(JSON.parse((await to('get', 'shop/app.yaml', '--json')).stdout)).toMatchObject({ ...settings, format: 'yaml', release: 1, current: { message: 'moved' } });
    expect([(await to('get', 'shop/app.yaml', '--cluster', 'blue')).stdout, (await to('get', 'mine/own')).stdout]).toEqual(['a: blue', 'stays']);
    expect(JSON.parse((await to('get', 'shop/flags', '--json')).stdout)).toMatchObject({ format: 'flags' });
    expect((await to('import', file)).stdout).toBe('nothing to do\n');

    await post('/settings', { name: 'app.yaml' }, { visibility: 'private', schema: '', tags: [] });
    await from('export', file);
    expect(JSON.parse((await to('import', file, '--json')).stdout)).toEqual([{ name: 'shop/app.yaml', kind: 'change' }]);
    const { visibility, schema, tags, description } = JSON.parse((await to('get', 'shop/app.yaml', '--json')).stdout) as Record<string, unknown>;
    expect([visibility, schema, tags, description]).toEqual([undefined, undefined, undefined, 'about it']);
    expect((await to('import', file)).stdout).toBe('nothing to do\n');
  });

  it('keeps what a repository owns', async () => {
    const [from, to] = [await environment('git-from'), await environment('git-to')];
    const dir = folder();
    await from('publish', 'shop/a', '--content', 'x');
    await from('export', dir);
    await from('apply', dir, '--owner', 'git');
    await from('export', join(dir, 'all.zip'));
    expect((await to('import', join(dir, 'all.zip'))).stdout).toContain('create shop/a\n');
    expect(await to('publish', 'shop/a', '--content', 'y')).toMatchObject({ code: 1, stderr: expect.stringContaining('comes from a repository') as string });
    expect((await to('import', join(dir, 'all.zip'))).stdout).toBe('nothing to do\n');
  });

  it('has masks for secrets, which only their own environment takes', async () => {
    const [from, other] = [await environment('secret-from'), await environment('secret-other')];
    await from('publish', 'shop/db.yaml', '--content', 'password: "{secret}hunter2{/secret}"');
    await from('publish', 'shop/app.yaml', '--content', 'a: 1');
    const file = join(folder(), 'masked.zip');
    await from('export', file);
    await from('publish', 'shop/db.yaml', '--content', 'user: root\npassword: "{secret}hunter2{/secret}"', '--confirm');
    expect((await from('import', file, '--confirm')).stdout).toBe('change shop/db.yaml\n1 configuration imported\n');
    expect((await from('get', 'shop/db.yaml', '--reveal')).stdout).toBe('password: "{secret}hunter2{/secret}"');
    expect(await other('import', file)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('shop/db.yaml has masked secrets, which this environment does not have; nothing was imported') as string });
    expect((await other('get', 'shop/app.yaml')).code).toBe(3);

    const clear = join(folder(), 'clear.zip');
    await from('export', clear, '--reveal');
    expect((await other('import', clear)).stdout).toContain('2 configurations imported\n');
    expect((await other('get', 'shop/db.yaml')).stdout).toMatch(/^password: "\{masked\}/);
    expect((await other('get', 'shop/db.yaml', '--reveal')).stdout).toBe('password: "{secret}hunter2{/secret}"');
    expect((await other('import', clear)).stdout).toBe('nothing to do\n');

    const { url: keyless } = await serve();
    const without = await environment('default', keyless);
    expect(await without('import', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('has masked secrets') as string });
    expect(await without('import', clear)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('this server has no key to encrypt it') as string });
    expect((await without('get', 'shop/app.yaml')).code).toBe(3);
  });

  it('is refused when it is none, or too large', async () => {
    const to = await environment('default');
    const file = join(folder(), 'x.zip');
    expect(await to('import', file)).toMatchObject({ code: 1, stderr: `rollcall: cannot read the archive: there is no ${file}\n` });
    writeFileSync(file, 'hello');
    expect(await to('import', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('the archive cannot be used') as string });
    writeFileSync(file, Buffer.alloc(67_108_865));
    expect(await to('import', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('has 67108865 bytes, the limit of an archive is 67108864') as string });
    expect(await to('export', folder(), '--reveal')).toMatchObject({ code: 2, stderr: expect.stringContaining('--reveal is for FILE.zip only') as string });
  });
});

describe('where approvals are asked for', () => {
  const guard = (name: string) => fetch(`${url()}/rollcall/v1/config/environment?environment=${name}`, { method: 'PUT', body: JSON.stringify({ order: 1, policy: { approvals: 1, fourEyes: true } }) });
  /** Approves and publishes what a line of a command proposes. */
  async function published(config: ReturnType<typeof at>, line: string): Promise<string> {
    const [, number = '', name = ''] = /^proposal (\d+), to \w+ (?:shop\/app\.yaml|\S+), waits for 1 approval: rollcall config approve (\S+) \1$/.exec(line) ?? [];
    expect((await config('approve', name, number, '--by', 'bob')).stdout).toContain('has its approvals');
    return (await config('publish', name, '--proposal', number)).stdout;
  }

  it('a removal is proposed, approved and published', async () => {
    const config = await environment('removals');
    await config('publish', 'shop/app.yaml', '--content', 'a: 1');
    await guard('removals');
    expect(await config('delete', 'shop/app.yaml')).toMatchObject({ code: 1, stderr: expect.stringContaining('save a draft of the removal of shop/app.yaml, and propose it') as string });
    const { stdout } = await config('delete', 'shop/app.yaml', '--propose', '--message', 'unused', '--by', 'ann');
    expect((await config('diff', 'shop/app.yaml')).stdout).toBe('- a: 1\n');
    expect(await config('get', 'shop/app.yaml', '--draft')).toMatchObject({ code: 3, stderr: 'rollcall: the draft of shop/app.yaml is its removal, and has no content\n' });
    expect(await published(config, stdout.trim())).toBe('clients get nothing of shop/app.yaml any more; its history stays\n');
    expect((await config('history', 'shop/app.yaml')).stdout).toMatch(/\n2 +remove of 1 +\S+ +\S* +unused\n/);
    expect((await config('get', 'shop/app.yaml')).code).toBe(3);
    expect(await config('delete', 'shop/app.yaml', '--at', '2090-01-01T00:00:00Z')).toMatchObject({ code: 2, stderr: expect.stringContaining('--at and --replace are for --propose only') as string });
  });

  it('a directory and an archive become proposals, the same ones when it is repeated', async () => {
    const [from, to] = [await environment('proposed-from'), await environment('proposed-to')];
    for (const config of [from, to]) await config('publish', 'shop/app.yaml', '--content', 'a: 1');
    await to('publish', 'shop/gone', '--content', 'x');
    await from('publish', 'shop/app.yaml', '--content', 'a: 2');
    await from('settings', 'shop/app.yaml', '--schema', '{"type": "object"}');
    const [dir, file] = [folder(), join(folder(), 'all.zip')];
    await from('export', dir);
    await from('export', file);
    await guard('proposed-to');

    expect(await to('apply', dir)).toMatchObject({ code: 1, stderr: expect.stringContaining('asks for 1 approval') as string });
    const lines = (await to('apply', dir, '--prune', '--propose', '--owner', 'git', '--by', 'ann')).stdout.trim().split('\n');
    expect(lines.at(-1)).toBe('2 changes proposed');
    expect((await to('apply', dir, '--prune', '--propose')).stdout.trim().split('\n')).toEqual(lines);
    expect((await to('get', 'shop/app.yaml')).stdout).toBe('a: 1');
    expect([await published(to, lines[0] ?? ''), await published(to, lines[1] ?? '')]).toEqual(['release 3 of shop/app.yaml is published\n', 'clients get nothing of shop/gone any more; its history stays\n']);
    expect((await to('apply', dir, '--prune')).stdout).toBe('nothing to do\n');
    await to('settings', 'shop/app.yaml', '--owner', '');

    await from('publish', 'shop/app.yaml', '--content', 'a: 3');
    await from('export', file);
    expect(await to('import', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('asks for 1 approval') as string });
    const { stdout } = await to('import', file, '--propose', '--by', 'ann');
    expect((await to('import', file, '--propose')).stdout).toBe(stdout);
    expect(JSON.parse((await to('settings', 'shop/app.yaml')).stdout)).toMatchObject({ schema: '{"type": "object"}' });
    expect(await published(to, stdout.split('\n')[0] ?? '')).toMatch(/^release \d+ of shop\/app\.yaml is published\n$/);
    expect((await to('import', file, '--propose')).stdout).toBe('nothing to do\n');
  });
});

describe('a directory', () => {
  it('has the configurations of every cluster, and changes each where it belongs', async () => {
    const tree = await environment('clusters');
    await tree('publish', 'shop/app.yaml', '--content', 'a: 1');
    await tree('publish', 'shop/app.yaml', '--content', 'a: 2', '--cluster', 'blue');
    await tree('publish', 'shop/@odd/name', '--content', 'x');
    const dir = folder();
    expect((await tree('export', dir)).stdout).toBe(`3 configurations written to ${dir}\n`);
    expect(['shop/app.yaml', 'shop/@blue/app.yaml', 'shop/@default/@odd/name'].map((path) => readFileSync(join(dir, path), 'utf8'))).toEqual(['a: 1', 'a: 2', 'x']);
    expect((await tree('plan', dir, '--prune')).stdout).toBe('nothing to do\n');
    writeFileSync(join(dir, 'shop/@blue/app.yaml'), 'a: 3');
    writeFileSync(join(dir, 'shop/@blue/new'), 'n');
    rmSync(join(dir, 'shop/@default'), { recursive: true });
    expect((await tree('apply', dir, '--prune')).stdout).toBe('change shop/@blue/app.yaml\ncreate shop/@blue/new\nremove shop/@default/@odd/name\n3 changes done\n');
    expect([(await tree('get', 'shop/app.yaml')).stdout, (await tree('get', 'shop/app.yaml', '--cluster', 'blue')).stdout, (await tree('get', 'shop/new', '--cluster', 'blue')).stdout]).toEqual(['a: 1', 'a: 3', 'n']);
    for (const name of ['.env', '../up', '%2Eodd', 'sub/.x']) await tree('publish', `shop/${name}`, '--content', name);
    await tree('export', dir);
    expect(['shop/%2Eenv', 'shop/%2E./up', 'shop/%252Eodd', 'shop/sub/%2Ex'].map((path) => readFileSync(join(dir, path), 'utf8'))).toEqual(['.env', '../up', '%2Eodd', 'sub/.x']);
    expect([existsSync(join(dir, 'up')), (await tree('plan', dir, '--prune')).stdout]).toEqual([false, 'nothing to do\n']);
    rmSync(join(dir, 'shop/%2Eenv'));
    writeFileSync(join(dir, 'shop/%2Enew'), 'n');
    expect((await tree('apply', dir, '--prune')).stdout).toBe('create shop/%2Enew\nremove shop/%2Eenv\n2 changes done\n');
    expect([(await tree('get', 'shop/.new')).stdout, (await tree('get', 'shop/.env')).code]).toEqual(['n', 3]);
    await tree('publish', 'shop/bad', '--content', 'x', '--cluster', '../../up');
    expect(await tree('export', dir)).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be the name of a file') as string });
    expect(existsSync(join(dir, '../up'))).toBe(false);
  });
});
