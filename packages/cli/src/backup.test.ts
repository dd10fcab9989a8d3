/** `backup` and `restore` as processes between real registries. */

import { spawnSync } from 'node:child_process';
import { writeFileSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folder, here, registerInstance, rollcall, serve, start, type Registry, type StartOptions } from './processes.case.ts';

const asking = (registry: Registry) => (args: readonly string[], options: StartOptions = {}) =>
  rollcall([...args, '--addr', registry.url], options);

describe('backup and restore', () => {
  it('restore the whole state except the old revisions', async () => {
    const dir = folder();
    const first = await serve();
    await asking(first)(['kv', 'put', 'a', 'kept']);
    await registerInstance(first.url, { Name: 'web', ID: 'w1' });
    const made = await asking(first)(['backup', 'b', '--json'], { cwd: dir });
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toEqual({ file: 'b', bytes: statSync(join(dir, 'b')).size });
    expect(statSync(join(dir, 'b')).mode & 0o777).toBe(0o600);

    const second = await serve();
    const ask = asking(second);
    await ask(['kv', 'put', 'b', 'of the other registry']);
    const before = JSON.parse((await ask(['kv', 'get', 'b', '--json'])).stdout) as { revision: number };
    const restored = await ask(['restore', 'b', '--json'], { cwd: dir });
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    const { records, revision } = JSON.parse(restored.stdout) as { records: number; revision: number };
    expect(records).toBeGreaterThan(2);
    expect(revision).toBeGreaterThan(before.revision);
    expect((await ask(['kv', 'get', 'a'])).stdout).toBe('kept');
    expect((await ask(['kv', 'get', 'b'])).code).toBe(3);
    expect((await ask(['instances', 'web'])).stdout).toContain('w1');
  });

  it('restore every namespace, separate from the others', async () => {
    const dir = folder();
    const first = await serve();
    expect(await asking(first)(['namespaces', 'create', 'team-a', '--description', 'of team A'])).toMatchObject({ code: 0, stderr: '' });
    await asking(first)(['kv', 'put', 'k', 'of default']);
    expect(await asking(first)(['kv', 'put', 'k', 'of team-a', '--namespace', 'team-a'])).toMatchObject({ code: 0, stderr: '' });
    await registerInstance(first.url, { Name: 'web', ID: 'w1', Port: 1 });
    await registerInstance(first.url, { Name: 'web', ID: 'w1', Port: 2, Namespace: 'team-a' });
    expect(await asking(first)(['backup', 'b'], { cwd: dir })).toMatchObject({ code: 0, stderr: '' });

    const ask = asking(await serve());
    expect(await ask(['namespaces', 'create', 'team-b'])).toMatchObject({ code: 0, stderr: '' });
    expect(await ask(['restore', 'b'], { cwd: dir })).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await ask(['namespaces', 'list']);
    expect(stdout).toMatch(/^team-a +of team A/m);
    expect(stdout).not.toContain('team-b');
    for (const [namespace, port] of [['default', 1], ['team-a', 2]] as const) {
      expect((await ask(['kv', 'get', 'k', '--raw', '--namespace', namespace])).stdout).toBe(`of ${namespace}`);
      const { stdout: listed } = await ask(['instances', 'web', '--json', '--namespace', namespace]);
      expect((JSON.parse(listed) as { instances: unknown }).instances).toMatchObject([{ id: 'w1', port }]);
    }
    // A namespace that came with the backup takes new writes.
    expect(await ask(['kv', 'put', 'later', 'x', '--namespace', 'team-a'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('are files that Consul’s tools read', async () => {
    const dir = folder();
    const first = await serve();
    await asking(first)(['kv', 'put', 'a', 'kept']);
    const saved = await asking(first)(['snapshot', 'save', 's', '--json'], { cwd: dir });
    expect(JSON.parse(saved.stdout)).toEqual({ file: 's', bytes: statSync(join(dir, 's')).size });
    expect(spawnSync('tar', ['tzf', 's'], { cwd: dir, encoding: 'utf8' }).stdout).toBe('meta.json\nstate.bin\nSHA256SUMS\n');
    await asking(first)(['backup', 'b'], { cwd: dir });
    for (const file of ['s', 'b']) {
      const second = asking(await serve());
      expect(await second(['snapshot', 'restore', file], { cwd: dir })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored \d+ records; /), stderr: '' });
      expect((await second(['kv', 'get', 'a'])).stdout).toBe('kept');
      writeFileSync(join(dir, 'other'), 'neither');
      expect(await second(['snapshot', 'restore', 'other'], { cwd: dir })).toMatchObject({ code: 1, stderr: expect.stringMatching(/^rollcall: .*\n$/) });
      expect((await second(['kv', 'get', 'a'])).stdout).toBe('kept');
    }
  });

  it('work with pipes', async () => {
    const first = await serve();
    await asking(first)(['kv', 'put', 'a', 'kept']);
    const made = start(['backup', '-', '--addr', first.url]);
    expect((await made.ended).code).toBe(0);
    const second = asking(await serve());
    expect((await second(['restore', '-'], { input: made.stdoutBytes() })).code).toBe(0);
    expect((await second(['kv', 'get', 'a'])).stdout).toBe('kept');
  });

  it('refuse a file that is not a backup, and change nothing', async () => {
    const dir = folder();
    const ask = asking(await serve());
    await ask(['kv', 'put', 'a', 'kept']);
    await ask(['backup', 'good'], { cwd: dir });
    const good = readFileSync(join(dir, 'good'));
    writeFileSync(join(dir, 'other'), 'no backup at all');
    writeFileSync(join(dir, 'cut'), good.subarray(0, good.length - 10));
    for (const file of ['other', 'cut']) {
      const refused = await ask(['restore', file], { cwd: dir });
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(/^rollcall: .*\n$/);
    }
    expect(await ask(['restore', 'missing'], { cwd: dir })).toMatchObject({ code: 1 });
    expect((await ask(['kv', 'get', 'a'])).stdout).toBe('kept');
  });

  it('can be inspected, also when they are damaged', async () => {
    const dir = folder();
    const ask = asking(await serve());
    for (const key of ['config/web/a', 'config/web/b', 'config/api/a', 'other']) await ask(['kv', 'put', key, 'x'.repeat(100)]);
    await ask(['backup', 'b'], { cwd: dir });
    const file = join(dir, 'b');
    const shown = await here(['snapshot', 'inspect', file]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^made at revision \d+\n\nKIND +COUNT +BYTES\n(.*\n)*kv +4 +\d+\n(.*\n)*in all +\d+ +\d+\n$/);
    const details = JSON.parse((await here(['snapshot', 'inspect', '--json', '--kvdetails', '--kvfilter', 'config/', file])).stdout) as object;
    expect(details).toMatchObject({ revision: expect.any(Number), keys: [{ name: 'config/web', count: 2 }, { name: 'config/api', count: 1 }] });
    expect((await here(['snapshot', 'inspect', '--kvdetails', '--kvdepth', '1', file])).stdout).toMatch(/^config +3 +\d+$/m);
    expect((await here(['snapshot', 'inspect', '--kvdepth', '1', file])).code).toBe(2);
    await ask(['snapshot', 'save', 's'], { cwd: dir });
    const kinds = async (path: string) => (JSON.parse((await here(['snapshot', 'inspect', '--json', join(dir, path)])).stdout) as { kinds: unknown }).kinds;
    expect(await kinds('s')).toEqual(await kinds('b'));
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(join(dir, 'damaged'), bytes);
    for (const wrong of ['damaged', 'missing']) {
      expect(await here(['snapshot', 'inspect', join(dir, wrong)])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^rollcall: .*\n$/) });
    }
  });

  it('leave no incomplete file behind', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'b'), 'the one before');
    const broken = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.write('half');
      response.socket?.end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void broken.close());
    await new Promise((resolve) => broken.on('listening', resolve));
    const { port } = broken.address() as AddressInfo;
    const failed = await rollcall(['backup', 'b', '--addr', `127.0.0.1:${port}`], { cwd: dir });
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('no backup was written');
    expect(readdirSync(dir)).toEqual(['b']);
    expect(readFileSync(join(dir, 'b'), 'utf8')).toBe('the one before');
  });
});
