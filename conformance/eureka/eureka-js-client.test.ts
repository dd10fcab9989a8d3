/**
 * The npm package `eureka-js-client` 4.5, unmodified, against a real server: it registers, finds others, keeps its lease, sees changes with and
 * without deltas, and survives a restart of the registry.
 */

import { once, type EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, embedded, memory, type Server, type ServerOptions } from '@rollcall/server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../free-ports.mjs';

interface Found {
  readonly hostName: string;
  readonly app: string;
  readonly status: string;
  readonly port: { readonly $: number };
  readonly vipAddress: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The client as these tests use it; the package has no types. */
interface Client extends EventEmitter {
  start(done: (error?: Error) => void): void;
  stop(done: (error?: Error) => void): void;
  fetchRegistry(done: (error?: Error) => void): void;
  renew(): void;
  getInstancesByAppId(app: string): readonly Found[];
  getInstancesByVipAddress(vip: string): readonly Found[];
}

const { Eureka } = createRequire(import.meta.url)('eureka-js-client') as { readonly Eureka: new (config: object) => Client };

const silent = Object.fromEntries(['debug', 'info', 'warn', 'error', 'level'].map((level) => [level, () => {}]));

async function start(options: ServerOptions = { engine: memory() }): Promise<Server> {
  const server = await createServer({ frontends: ['consul', 'eureka'], ...options });
  onTestFinished(() => server.close());
  return server;
}

interface Wanted {
  readonly port: number;
  readonly instance?: object;
  readonly eureka?: object;
  readonly requestMiddleware?: (options: object, done: (options: object) => void) => void;
}

function client({ port, instance = {}, eureka = {}, requestMiddleware }: Wanted): Client {
  return new Eureka({
    instance: { ...web, ...instance },
    eureka: { host: '127.0.0.1', port, servicePath: '/eureka/apps/', heartbeatInterval: 3_600_000, registryFetchInterval: 3_600_000, maxRetries: 0, ...eureka },
    logger: silent,
    ...(requestMiddleware === undefined ? {} : { requestMiddleware }),
  });
}

const web = {
  ...{ app: 'js-web', instanceId: 'js-web:1', hostName: '127.0.0.1', ipAddr: '127.0.0.1', port: { $: 3001, '@enabled': true }, vipAddress: 'js-web' },
  ...{ statusPageUrl: 'http://127.0.0.1:3001/info', dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' }, metadata: { v: '2' } },
};

const done = (act: (callback: (error?: Error) => void) => void) =>
  new Promise<void>((resolve, reject) => act((error) => (error instanceof Error ? reject(error) : resolve())));

async function started(wanted: Wanted): Promise<Client> {
  const made = client(wanted);
  await done((callback) => made.start(callback));
  return made;
}

describe('eureka-js-client', () => {
  test('registers, is found by app and vip in its own copy and by Consul, keeps its lease, and leaves', async () => {
    const server = await start();
    const js = await started({ port: server.ports.http });
    await done((callback) => js.fetchRegistry(callback));
    expect(js.getInstancesByAppId('js-web')).toMatchObject([{ hostName: '127.0.0.1', app: 'JS-WEB', status: 'UP', port: { $: 3001 }, metadata: { v: '2' } }]);
    expect(js.getInstancesByVipAddress('js-web')).toHaveLength(1);
    const beat = once(js, 'heartbeat');
    js.renew();
    await beat;
    const consul = () => fetch(`${server.url}/v1/health/service/js-web?passing`).then((answer) => answer.json() as Promise<unknown[]>);
    expect(await consul()).toMatchObject([{ Service: { Port: 3001, Meta: { v: '2' } } }]);
    await done((callback) => js.stop(callback));
    expect(await consul()).toEqual([]);
  });

  test('passes its integration test: a bare number as a port, no @class, no id, and the path of version 2', async () => {
    const server = await start();
    const js = await started({
      port: server.ports.http,
      instance: { instanceId: undefined, app: 'jqservice', hostName: 'localhost', port: 8080, vipAddress: 'jq.test.something.com', dataCenterInfo: { name: 'MyOwn' } },
      eureka: { servicePath: '/eureka/v2/apps/', fetchRegistry: true, waitForRegistry: true, registryFetchInterval: 100 },
    });
    expect(js.getInstancesByAppId('jqservice')).toHaveLength(1);
    expect(js.getInstancesByVipAddress('jq.test.something.com')).toHaveLength(1);
    await done((callback) => js.stop(callback));
  });

  test('sees with deltas what others register, change and remove', async () => {
    const server = await start();
    const js = await started({ port: server.ports.http, eureka: { shouldUseDelta: true } });
    const see = async () => {
      await done((callback) => js.fetchRegistry(callback));
      return js.getInstancesByAppId('orders').map(({ hostName, status }) => `${hostName} ${status}`);
    };
    await see();
    const put = (path: string, body?: object) => fetch(`${server.url}/v1/agent/${path}`, { method: 'PUT', ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    await put('service/register', { Name: 'orders', ID: 'o1', Address: 'h1', Port: 80, Check: { TTL: '1h', Status: 'passing' } });
    expect(await see()).toEqual(['h1 UP']);
    await put('check/fail/service:o1');
    // It keeps those that are up, and takes a change only of what it keeps.
    expect(await fetch(`${server.url}/eureka/apps/orders`, { headers: { accept: 'application/json' } }).then((answer) => answer.text())).toContain('"status":"DOWN"');
    await put('check/pass/service:o1');
    expect(await see()).toEqual(['h1 UP']);
    await put('service/deregister/o1');
    expect(await see()).toEqual([]);
    await done((callback) => js.stop(callback));
  });

  test('registers again when the registry has lost it', async () => {
    const server = await start();
    const js = await started({ port: server.ports.http });
    await fetch(`${server.url}/eureka/apps/JS-WEB/js-web:1`, { method: 'DELETE' });
    const registered = once(js, 'registered');
    js.renew();
    await registered;
    expect((await fetch(`${server.url}/eureka/apps/JS-WEB/js-web:1`)).status).toBe(200);
    await done((callback) => js.stop(callback));
  });

  test('goes on after a restart of the registry, without registering again', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rollcall-eureka-js-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const port = await freePort();
    const first = await createServer({ engine: embedded({ dir }), frontends: ['eureka'], http: { port } });
    const js = await started({ port });
    await first.close();
    await start({ engine: embedded({ dir }), frontends: ['eureka'], http: { port } });
    const registered = vi.fn();
    js.on('registered', registered);
    const beat = once(js, 'heartbeat');
    js.renew();
    await beat;
    await done((callback) => js.fetchRegistry(callback));
    expect(js.getInstancesByAppId('js-web')).toHaveLength(1);
    expect(registered).not.toHaveBeenCalled();
    await done((callback) => js.stop(callback));
  });

  test('has a token as the password of HTTP Basic', async () => {
    const server = await start({ engine: memory(), acl: { initialManagement: 'secret' } });
    const authorised = await started({
      port: server.ports.http,
      requestMiddleware: (options, next) => next({ ...options, auth: { user: 'js', password: 'secret' } }),
    });
    await done((callback) => authorised.fetchRegistry(callback));
    expect(authorised.getInstancesByAppId('js-web')).toHaveLength(1);
    await done((callback) => authorised.stop(callback));
    await expect(started({ port: server.ports.http })).rejects.toThrow('eureka registration FAILED: status: 403');
  });
});
