import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRegistryError, type GossipOptions } from '@rollcall/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../connect.ts';
import type { Rollcall } from '../client.ts';

/** Ten times as fast as on a LAN. */
const timing = { probeIntervalMs: 100, probeTimeoutMs: 50, gossipIntervalMs: 20, reconnectIntervalMs: 500 };

async function member(options: GossipOptions, { namespace, cacheDir }: { namespace?: string; cacheDir?: string } = {}): Promise<Rollcall> {
  const client = await connect({ gossip: { port: 0, timing, ...options }, ...(namespace !== undefined && { namespace }), ...(cacheDir !== undefined && { cacheDir }) });
  onTestFinished(() => client.close());
  return client;
}

/** Where others find this one. */
const seedOf = (client: Rollcall) => ({ seeds: [(client.server ?? '').replace('gossip://', '')] });

async function started(options: GossipOptions): Promise<Rollcall> {
  const client = await member(options);
  await vi.waitFor(() => expect(client.server).toBeDefined(), { timeout: 20_000 });
  return client;
}

async function httpServer(text: string): Promise<number> {
  const server = createServer((_request, response) => response.end(text));
  server.listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const idsOf = async (client: Rollcall) => (await client.service('web').instances()).map(({ id }) => id).sort();

describe('a client in a group', () => {
  it('fetches from what another one registered, with its first request', async () => {
    const a = await started({ name: 'a' });
    await a.register({ service: 'web', id: 'one', address: '127.0.0.1', port: await httpServer('hello'), tags: ['v1'] });
    const b = await member({ name: 'b', ...seedOf(a) });
    expect(await (await b.service('web').fetch('/')).text()).toBe('hello');
    expect(await (await b.fetch('http://web.rollcall/')).text()).toBe('hello');
    expect(await b.services()).toEqual([{ service: 'web', tags: ['v1'] }]);
    expect(b.service('web').snapshot()).toMatchObject({ stale: false, instances: [{ node: 'a', id: 'one', status: 'passing' }] });
  });

  it('watches changes, drains and goodbyes of others', async () => {
    const a = await started({ name: 'a' });
    const b = await member({ name: 'b', ...seedOf(a) });
    const registration = await a.register({ service: 'web', id: 'one', port: 1 });
    await vi.waitFor(async () => expect(await idsOf(b)).toEqual(['one']), { timeout: 20_000 });
    const statuses: string[] = [];
    const watching = (async () => {
      for await (const { instances } of b.service('web').watch()) statuses.push(instances.map(({ status }) => status).join());
    })();
    await registration.update({ port: 1, meta: { a: 'b' } });
    await registration.drain();
    await vi.waitFor(() => expect(statuses).toContain('draining'), { timeout: 20_000 });
    await a.close();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe(''), { timeout: 20_000 });
    await b.close();
    await watching;
  });

  it('sees only the namespace that it asks for', async () => {
    const a = await started({ name: 'a' });
    const b = await member({ name: 'b', ...seedOf(a) }, { namespace: 'team' });
    await a.register({ service: 'web', id: 'one', port: 1 });
    await b.register({ service: 'web', id: 'two', port: 2 });
    await vi.waitFor(async () => expect((await a.service('web', { namespace: 'team' }).instances()).map(({ id }) => id)).toEqual(['two']), { timeout: 20_000 });
    expect(await idsOf(a)).toEqual(['one']);
    await vi.waitFor(async () => expect((await b.services({ namespace: 'default' })).map(({ service }) => service)).toEqual(['web']), { timeout: 20_000 });
  });

  it('does not take what its disk cache kept of an earlier process for what the group has now', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'rollcall-gossip-'));
    onTestFinished(() => rmSync(cacheDir, { recursive: true, force: true }));
    const a = await started({ name: 'a' });
    const registration = await a.register({ service: 'web', id: 'old', port: 1 });
    const before = await member({ name: 'b', ...seedOf(a) }, { cacheDir });
    for (let port = 2; port < 7; port++) {
      await registration.update({ port });
      await vi.waitFor(async () => expect((await before.service('web').instances())[0]?.port).toBe(port), { timeout: 20_000 });
    }
    // The cache is that of a server, so the next process needs the same address.
    const port = Number(before.server?.split(':').at(-1));
    await before.close();
    await registration.close();
    await a.register({ service: 'web', id: 'new', port: 1 });
    const after = await member({ name: 'b', ...seedOf(a), port }, { cacheDir });
    await vi.waitFor(async () => expect(await idsOf(after)).toEqual(['new']), { timeout: 20_000 });
  });

  it('says what needs a registry', async () => {
    const a = await started({ name: 'a' });
    const reason = async (action: Promise<unknown>) => {
      const error: unknown = await action.catch((refused: unknown) => refused);
      return isRegistryError(error) ? `${error.code}: ${error.message}` : String(error);
    };
    expect(await reason(a.kv.get('key'))).toMatch(/^unimplemented: .* needs a registry/);
    expect(await reason(a.register({ service: 'web', checks: [{ ttlMs: 1_000 }] }))).toMatch(/^unimplemented: .* has checks, which a registry makes/);
    expect(await reason(connect({ gossip: {}, servers: ['http://127.0.0.1:1'] }))).toMatch(/^invalid_argument: gossip and servers exclude each other/);
    expect(await reason(connect({ gossip: { host: '0.0.0.0' } }))).toMatch(/^invalid_argument: host is 0.0.0.0, .* give a key/);
  });
});

describe('processes without a server', () => {
  const program = fileURLToPath(new URL('member-process.case.mjs', import.meta.url));

  /** A process that registers `web`, and resolves when it has. */
  async function start(name: string, seed: string | undefined): Promise<{ readonly at: string; readonly kill: () => void }> {
    const child = spawn(process.execPath, [program, JSON.stringify({ name, timing, port: 0, seeds: seed === undefined ? [] : [seed] })], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const at = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
    });
    return { at, kill: () => void child.kill('SIGKILL') };
  }

  it('notice a kill -9, also of all seeds, and take back a process that starts again under its name', async () => {
    const a = await start('a', undefined);
    const b = await start('b', a.at);
    const client = await member({ name: 'c', seeds: [a.at] });
    await vi.waitFor(async () => expect(await idsOf(client)).toEqual(['a', 'b']), { timeout: 20_000 });
    a.kill();
    await vi.waitFor(async () => expect(await idsOf(client)).toEqual(['b']), { timeout: 15_000 });
    await start('a', b.at);
    await vi.waitFor(async () => expect(await idsOf(client)).toEqual(['a', 'b']), { timeout: 20_000 });
    expect(await (await client.service('web').fetch('/')).text()).toMatch(/^[ab]$/);
  });
});
