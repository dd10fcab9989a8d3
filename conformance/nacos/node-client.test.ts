/**
 * The npm package `nacos` 2.6, unmodified, against a real server, over the first version of Nacos' HTTP API: it registers, subscribes,
 * sends heartbeats and deregisters, and it publishes, reads and follows configurations. It also plays a client whose user has a password.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, memory, type Server, type ServerOptions } from '@rollcall/server';
import { afterEach, describe, expect, test, vi } from 'vitest';

interface Host {
  readonly ip: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The client as these tests use it. */
interface NamingClient {
  ready(): Promise<void>;
  registerInstance(service: string, instance: object, group?: string): Promise<void>;
  deregisterInstance(service: string, instance: object, group?: string): Promise<void>;
  getAllInstances(service: string, group?: string, clusters?: string, subscribe?: boolean): Promise<Host[]>;
  selectInstances(service: string, group?: string, clusters?: string, healthy?: boolean, subscribe?: boolean): Promise<Host[]>;
  getServerStatus(): Promise<string>;
  subscribe(service: string, listener: (hosts: Host[]) => void): void;
  close(): Promise<void>;
}

interface ConfigClient {
  ready(): Promise<void>;
  getConfig(id: string, group: string): Promise<string | null>;
  publishSingle(id: string, group: string, content: string): Promise<boolean>;
  remove(id: string, group: string): Promise<boolean>;
  subscribe(name: { dataId: string; group: string }, listener: (content: string) => void): void;
  close(): void;
}

const { NacosNamingClient, NacosConfigClient } = createRequire(import.meta.url)('nacos') as {
  readonly NacosNamingClient: new (options: object) => NamingClient;
  readonly NacosConfigClient: new (options: object) => ConfigClient;
};

const silent = { info() {}, warn() {}, error() {}, debug() {}, log() {} };
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
});

async function serve(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ engine: memory(), http: { port: 0 }, ...options });
  endings.push(() => server.close());
  return server;
}

async function naming({ ports }: Server, more: object = {}): Promise<NamingClient> {
  const client = new NacosNamingClient({ logger: silent, serverList: `127.0.0.1:${ports.http}`, namespace: 'public', ...more });
  await client.ready();
  endings.push(() => client.close());
  return client;
}

async function configs({ ports }: Server): Promise<ConfigClient> {
  const cacheDir = mkdtempSync(join(tmpdir(), 'rollcall-nacos-'));
  endings.push(() => rmSync(cacheDir, { recursive: true, force: true }));
  const client = new NacosConfigClient({ serverAddr: `127.0.0.1:${ports.http}`, requestTimeout: 6_000, cacheDir });
  await client.ready();
  endings.push(() => client.close());
  return client;
}

const until = <T>(check: () => Promise<T> | T) => vi.waitFor(check, { interval: 20, timeout: 15_000 });

describe('the naming client', () => {
  test('registers, sees its instances, and removes them', async () => {
    const server = await serve();
    const client = await naming(server);
    expect(await client.getServerStatus()).toBe('UP');
    await client.registerInstance('js-svc', { ip: '10.0.0.1', port: 8_080, weight: 2, metadata: { zone: 'z1' } });
    await client.registerInstance('js-svc', { ip: '10.0.0.2', port: 8_080 });
    await until(async () => expect(await client.getAllInstances('js-svc', 'DEFAULT_GROUP', '', false)).toHaveLength(2));
    expect(await client.selectInstances('js-svc', 'DEFAULT_GROUP', '', true, false)).toMatchObject([
      { ip: '10.0.0.1', port: 8_080, weight: 2, healthy: true, metadata: { zone: 'z1' } },
      { ip: '10.0.0.2', port: 8_080, weight: 1, healthy: true },
    ]);
    await client.deregisterInstance('js-svc', { ip: '10.0.0.1', port: 8_080 });
    await until(async () => expect(await client.getAllInstances('js-svc', 'DEFAULT_GROUP', '', false)).toMatchObject([{ ip: '10.0.0.2' }]));
  });

  test('keeps its instance by heartbeats, also when the registry has lost it', async () => {
    const server = await serve();
    const client = await naming(server);
    await client.registerInstance('kept', { ip: '10.0.0.1', port: 80, metadata: { version: '1' } });
    const id = '10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@kept';
    const present = () => server.registry.state.get(`instance\0default\0\0${id}`);
    expect(present()).toBeDefined();
    // As after a loss of the store: the next heartbeat registers it again.
    await server.registry.submit({ kind: 'deregister-instance', namespace: 'default', node: '', id });
    await until(() => expect(present()).toMatchObject({ meta: { version: '1' }, port: 80 }));
  });

  test('tells its subscribers of changes', async () => {
    const server = await serve();
    const client = await naming(server);
    await client.registerInstance('followed', { ip: '10.0.0.1', port: 80 });
    const seen: string[][] = [];
    client.subscribe('followed', (hosts) => seen.push(hosts.map(({ ip }) => ip).sort()));
    await until(() => expect(seen.at(-1)).toEqual(['10.0.0.1']));
    await client.registerInstance('followed', { ip: '10.0.0.2', port: 80 });
    await until(() => expect(seen.at(-1)).toEqual(['10.0.0.1', '10.0.0.2']));
  });

  test('with a user sends the password as its token', async () => {
    const secret = 'b7d0d1a6-4f5c-4d0e-9d2e-0a1b2c3d4e5f';
    const server = await serve({ acl: { initialManagement: secret } });
    const known = await naming(server, { username: 'nacos', password: secret });
    await known.registerInstance('guarded', { ip: '10.0.0.1', port: 80 });
    await until(async () => expect(await known.getAllInstances('guarded', 'DEFAULT_GROUP', '', false)).toHaveLength(1));
    const unknown = await naming(server, { username: 'nacos', password: 'nacos' });
    await expect(unknown.registerInstance('guarded', { ip: '10.0.0.2', port: 80 })).rejects.toThrow();
  });
});

describe('the configuration client', () => {
  test('publishes, reads, follows and removes', async () => {
    const server = await serve();
    const client = await configs(server);
    const name = { dataId: 'js.cfg', group: 'DEFAULT_GROUP' };
    expect(await client.publishSingle(name.dataId, name.group, 'v=1')).toBe(true);
    expect(await client.getConfig(name.dataId, name.group)).toBe('v=1');
    const seen: string[] = [];
    client.subscribe(name, (content) => seen.push(content));
    await until(() => expect(seen.at(-1)).toBe('v=1'));
    const started = performance.now();
    await client.publishSingle(name.dataId, name.group, 'v=2 größe 中文');
    await until(() => expect(seen.at(-1)).toBe('v=2 größe 中文'));
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await client.remove(name.dataId, name.group)).toBe(true);
    expect((await client.getConfig(name.dataId, name.group)) ?? '').toBe('');
  });
});
