/** `rollcall migrate` with real stores: a client that watched before goes on after it, to etcd and back. */

import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { etcdProblem, startEtcd } from '../../../conformance/etcd/start.mjs';
import { folder, rollcall, serve, type Registry } from './processes.case.ts';

const problem = etcdProblem();

const views = ['health/service/web', 'health/service/gone', 'catalog/services', 'kv/a', 'kv/deleted', 'kv/?keys', 'catalog/nodes'];

/** The index of each view, as its watcher remembers it. */
async function indexes(url: string): Promise<number[]> {
  const all = views.map(async (path) => Number((await fetch(`${url}/v1/${path}`)).headers.get('x-consul-index')));
  return Promise.all(all);
}

async function put(url: string, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${url}/v1/${path}`, { method: 'PUT', body: typeof body === 'string' ? body : JSON.stringify(body) });
  expect(answer.status, `${path}: ${await answer.text()}`).toBe(200);
}

async function stop(registry: Registry): Promise<void> {
  registry.child.kill('SIGTERM');
  await registry.ended;
}

describe('rollcall migrate', () => {
  it('moves a registry to etcd and back; no index that a watcher has goes back, and each watcher hears the next change', async ({ skip }) => {
    skip(problem !== undefined, problem);
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const dir = folder();
    const first = join(dir, 'first');
    const inEtcd = `etcd:${etcd.urls[0]}`;
    const node = (...args: string[]) => serve('--node-name', 'this', ...args);

    let registry = await node('--data-dir', first);
    for (let n = 0; n < 300; n++) await put(registry.url, 'agent/service/register', { Name: 'web', ID: `web-${n}`, Port: n + 1 });
    await put(registry.url, 'agent/service/register', { Name: 'gone' });
    await put(registry.url, 'agent/service/deregister/gone', '');
    await put(registry.url, 'kv/a', '1');
    await put(registry.url, 'kv/deleted', '1');
    await fetch(`${registry.url}/v1/kv/deleted`, { method: 'DELETE' });
    let before = await indexes(registry.url);
    const status = async () => ((await (await fetch(`${registry.url}/v1/agent/self`)).json()) as { Config: { NodeName: string } }).Config.NodeName;
    expect(await status()).toBe('this');

    for (const [from, to, args] of [
      [`embedded:${first}`, inEtcd, ['--engine', inEtcd]],
      [inEtcd, `embedded:${join(dir, 'second')}`, ['--data-dir', join(dir, 'second')]],
      [`embedded:${join(dir, 'second')}`, `embedded:${first}`, ['--data-dir', first]],
    ] as const) {
      await stop(registry);
      const moved = await rollcall(['migrate', '--from', from, '--to', to]);
      expect(moved, moved.stderr).toMatchObject({ code: 0 });
      expect(moved.stdout).toMatch(/^moved \d+ records; the registry is at revision \d+ in /);
      const old = from === inEtcd ? ['--engine', inEtcd] : ['--data-dir', from.slice('embedded:'.length)];
      const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--dns', 'off', '--node-name', 'this', ...old]);
      expect(refused.code).toBe(6);
      expect(refused.stderr).toContain(`the registry has moved from this store to ${to}`);
      registry = await node(...args);
      const after = await indexes(registry.url);
      for (const [at, path] of views.entries()) expect(after[at], path).toBeGreaterThanOrEqual(before[at] as number);
      const instances = (await (await fetch(`${registry.url}/v1/health/service/web`)).json()) as unknown[];
      expect(instances).toHaveLength(300);
      // A watcher that comes back with its old index is answered, and a parked one hears the next change.
      const answered = await fetch(`${registry.url}/v1/kv/a?index=${before[3]}&wait=10s`);
      const parked = fetch(`${registry.url}/v1/kv/a?index=${answered.headers.get('x-consul-index')}&wait=30s`);
      await put(registry.url, 'kv/a', `after ${to}`);
      expect(Number((await parked).headers.get('x-consul-index'))).toBeGreaterThan(after[3] as number);
      await put(registry.url, 'agent/service/register', { Name: 'more', Port: 1 });
      before = await indexes(registry.url);
    }
  });

  it('is refused while a node serves either store, and says which', async ({ skip }) => {
    skip(problem !== undefined, problem);
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const dir = join(folder(), 'data');
    const served = await serve('--data-dir', dir);
    await put(served.url, 'kv/a', '1');
    const to = `etcd:${etcd.urls[0]}`;
    const locked = await rollcall(['migrate', '--from', `embedded:${dir}`, '--to', to]);
    expect(locked).toMatchObject({ code: 6, stdout: '' });
    expect(locked.stderr).toContain(String(served.child.pid));
    await stop(served);
    const node = await serve('--engine', to);
    const used = await rollcall(['migrate', '--from', `embedded:${dir}`, '--to', to]);
    expect(used).toMatchObject({ code: 6, stdout: '' });
    expect(used.stderr).toMatch(/nodes are running on the store \(etcd\)/);
    await stop(node);
  });

  it.each([
    [['--from', 'memory', '--to', 'embedded:x'], 2, '--from: what is in memory is gone'],
    [['--from', 'x', '--to', 'embedded:x'], 2, '--from: "x" is not an engine'],
    [['--from', 'embedded:missing', '--to', 'embedded:x'], 6, 'missing to move from'],
    [['--to', 'embedded:x'], 2, "required option '--from <engine>' not specified"],
    [['--from', 'embedded:a', '--to', 'embedded:b', '--engine-user', 'me'], 2, 'engineUser is set, but the engine is embedded and embedded'],
  ])('refuses %j', async (args, code, complaint) => {
    const refused = await rollcall(['migrate', ...args], { cwd: folder() });
    expect(refused).toMatchObject({ code, stdout: '' });
    expect(refused.stderr).toContain(complaint);
  });
});
