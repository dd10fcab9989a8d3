/**
 * The npm package `consul` (silas/node-consul), unmodified, against a real server: every request that
 * it can make in this tier. The list of requests comes from the package itself, so that none is missing.
 */

import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createServer, memory, type Server } from '@rollcall/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** An answer of the client: any JSON that the server sent. */
interface Loose {
  readonly [key: string]: Loose;
}

/** The client as these tests use it; its own types describe less than it can do. */
type Calls<Names extends string> = Readonly<Record<Names, (...options: unknown[]) => Promise<Loose>>>;
interface Client {
  readonly acl: Calls<'bootstrap' | 'replication'> & { readonly legacy: Calls<'list'> };
  readonly agent: Calls<
    'self' | 'members' | 'checks' | 'services' | 'maintenance' | 'join' | 'forceLeave' | 'reload'
  > & {
    readonly check: Calls<'list' | 'register' | 'deregister' | 'pass' | 'warn' | 'fail'>;
    readonly service: Calls<'list' | 'register' | 'deregister' | 'maintenance'>;
  };
  readonly catalog: Calls<'datacenters' | 'nodes' | 'services' | 'register' | 'deregister'> & {
    readonly connect: Calls<'nodes'>;
    readonly node: Calls<'list' | 'services'>;
    readonly service: Calls<'list' | 'nodes'>;
  };
  readonly event: Calls<'fire' | 'list'>;
  readonly health: Calls<'node' | 'checks' | 'service' | 'state'>;
  readonly kv: Calls<'get' | 'keys' | 'set' | 'del' | 'delete'>;
  readonly query: Calls<'create' | 'update' | 'get' | 'list' | 'destroy' | 'execute' | 'explain'>;
  readonly session: Calls<'create' | 'destroy' | 'info' | 'get' | 'node' | 'list' | 'renew'>;
  readonly status: Calls<'leader' | 'peers'>;
  readonly transaction: Calls<'create'>;
  on(event: 'log', listener: (tags: readonly string[]) => void): void;
  watch(options: unknown): Watch;
  destroy(): void;
}
interface Watch {
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'change', listener: (data: Loose) => void): void;
  isRunning(): boolean;
  end(): void;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly defaults?: { readonly token: string };
  /** Sent with every request: the client has no option for a namespace. */
  readonly headers?: Readonly<Record<string, string>>;
}

const require = createRequire(import.meta.url);
const Consul = require('consul') as new (options: Place) => Client;

/** Requests that Consul removed in 1.11; the tests must have made all others at the end. */
const removed = /^acl\.legacy\./;

let server: Server;
let consul: Client;
const made = new Set<string>();

beforeAll(async () => {
  server = await createServer({ engine: memory(), nodeName: 'node1' });
  consul = new Consul({ host: '127.0.0.1', port: server.ports.http });
  follow(consul);
});

/** The client logs every request with its name among the tags. */
function follow(client: Client): void {
  client.on('log', (tags) => {
    for (const tag of tags) if (tag.includes('.')) made.add(tag);
  });
}

afterAll(async () => {
  consul.destroy();
  await server.close();
});

describe('status', () => {
  test('leader and peers', async () => {
    expect(await consul.status.leader()).toBe('127.0.0.1:8300');
    expect(await consul.status.peers()).toEqual(['127.0.0.1:8300']);
  });
});

describe('agent', () => {
  test('self and members', async () => {
    const self = await consul.agent.self();
    expect(self['Config']).toMatchObject({ Server: true, Datacenter: 'dc1', NodeName: 'node1' });
    expect(self['Member']).toMatchObject({ Name: 'node1', Addr: '127.0.0.1' });
    const members = await consul.agent.members();
    expect(members).toHaveLength(1);
    expect(members[0]).toMatchObject({ Name: 'node1', Status: 1 });
  });

  test('checks: list, register, pass, warn, fail, deregister', async () => {
    await consul.agent.check.register({ name: 'own', ttl: '10s', notes: 'a note' });
    const state = async () => (await consul.agent.checks())['own'];
    expect(await state()).toMatchObject({ Status: 'critical', Notes: 'a note', Type: 'ttl' });
    await consul.agent.check.pass({ id: 'own', note: 'fine' });
    expect(await state()).toMatchObject({ Status: 'passing', Output: 'fine' });
    await consul.agent.check.warn('own');
    expect(await state()).toMatchObject({ Status: 'warning' });
    await consul.agent.check.fail('own');
    expect(await state()).toMatchObject({ Status: 'critical' });
    await consul.agent.check.deregister('own');
    expect(await consul.agent.check.list()).not.toHaveProperty('own');
    await expect(consul.agent.check.pass('own')).rejects.toThrow(/Unknown check ID "own"/);
  });

  test('services: list, register by name and in full, deregister', async () => {
    await consul.agent.service.register('plain');
    await consul.agent.service.register({
      name: 'full',
      id: 'full/1',
      tags: ['a', 'b'],
      meta: { version: '2' },
      address: '10.1.2.3',
      port: 8080,
      checks: [
        { http: 'http://127.0.0.1:1/health', interval: '30s', timeout: '1s', notes: 'probe' },
        { ttl: '30s', status: 'passing', deregistercriticalserviceafter: '1h' },
      ],
    });
    const services = await consul.agent.services();
    expect(services['plain']).toMatchObject({ ID: 'plain', Service: 'plain', Tags: [] });
    expect(services['full/1']).toMatchObject({
      Service: 'full',
      Tags: ['a', 'b'],
      Meta: { version: '2' },
      Address: '10.1.2.3',
      Port: 8080,
    });
    const checks = await consul.agent.checks();
    expect(checks['service:full/1:1']).toMatchObject({ Notes: 'probe', Type: 'http', Interval: '30s', Timeout: '1s' });
    expect(checks['service:full/1:2']).toMatchObject({ Status: 'passing', ServiceName: 'full' });
    await consul.agent.service.deregister('full/1');
    await consul.agent.service.deregister({ id: 'plain' });
    expect(await consul.agent.service.list()).toEqual({});
  });

  test('a script check is refused', async () => {
    const check = { args: ['sh', '-c', 'true'], interval: '30s' };
    await expect(consul.agent.service.register({ name: 'script', check })).rejects.toThrow('bad request');
    expect(await consul.agent.services()).not.toHaveProperty('script');
  });
});

describe('access control', () => {
  test('bootstrap, once; then requests need its token', async () => {
    await using secured = await createServer({ engine: memory(), acl: {} });
    const place = { host: '127.0.0.1', port: secured.ports.http };
    const stranger = new Consul(place);
    follow(stranger);
    await expect(stranger.kv.set('a', '1')).rejects.toMatchObject({ statusCode: 403 });
    const { SecretID: token } = (await stranger.acl.bootstrap()) as unknown as { SecretID: string };
    await expect(stranger.acl.bootstrap()).rejects.toThrow(/ACL bootstrap no longer allowed/);
    await expect(stranger.kv.set('a', '1')).rejects.toMatchObject({ statusCode: 403 });
    const manager = new Consul({ ...place, defaults: { token } });
    expect(await manager.kv.set('a', '1')).toBe(true);
    expect(await manager.kv.get('a')).toMatchObject({ Value: '1' });
    expect(await stranger.acl.replication()).toMatchObject({ Enabled: false });
    await expect(manager.acl.legacy.list()).rejects.toMatchObject({ statusCode: 404 });
    for (const client of [stranger, manager]) client.destroy();
  });

  test('is off: its requests report that', async () => {
    await expect(consul.acl.bootstrap()).rejects.toMatchObject({ statusCode: 401 });
  });
});

describe('the agent as a whole', () => {
  test('maintenance of the node and of a service', async () => {
    await consul.agent.service.register({ name: 'kept', check: { ttl: '60s', status: 'passing' } });
    const passing = async () => (await consul.health.service({ service: 'kept', passing: true }))['length'];
    expect(await passing()).toBe(1);
    await consul.agent.service.maintenance({ id: 'kept', enable: true, reason: 'new disk' });
    expect(await passing()).toBe(0);
    await consul.agent.service.maintenance({ id: 'kept', enable: false });
    await consul.agent.maintenance({ enable: true, reason: 'new rack' });
    expect(await passing()).toBe(0);
    expect(await consul.agent.checks()).toHaveProperty('_node_maintenance.Notes', 'new rack');
    await consul.agent.maintenance(false);
    expect(await passing()).toBe(1);
    await consul.agent.service.deregister('kept');
  });

  test('joins itself, reloads, and removes a node that has left', async () => {
    await consul.agent.join('127.0.0.1');
    await consul.agent.reload();
    await consul.catalog.register({
      node: 'lost',
      address: '10.9.9.9',
      check: { checkid: 'serfHealth', name: 'Serf Health Status', status: 'critical' },
    });
    const names = async () => JSON.stringify(await consul.agent.members());
    expect(await names()).toContain('"lost"');
    await consul.agent.forceLeave('lost');
    expect(await names()).not.toContain('"lost"');
  });
});

describe('events', () => {
  test('fire and list', async () => {
    const fired = await consul.event.fire({ name: 'deploy', payload: 'v2' });
    expect(fired).toMatchObject({ Name: 'deploy', Version: 1 });
    const listed = (await consul.event.list('deploy')) as unknown as { ID: string; Payload: string }[];
    // The client decodes the payload.
    expect(listed).toMatchObject([{ ID: fired['ID'], Payload: 'v2' }]);
    expect(await consul.event.list('other')).toEqual([]);
  });
});

describe('prepared queries', () => {
  test('create, get, list, update, execute, explain, destroy', async () => {
    const { ID } = await consul.query.create({ name: 'find', service: { service: 'consul' } });
    expect(await consul.query.get(ID)).toMatchObject({ ID, Name: 'find', Service: { Service: 'consul' } });
    expect(await consul.query.list()).toHaveLength(1);
    expect(await consul.query.execute('find')).toMatchObject({
      Service: 'consul',
      Nodes: [{ Node: { Node: 'node1' }, Service: { ID: 'consul' } }],
    });
    await consul.query.update({
      query: ID,
      name: 'find-',
      template: { type: 'name_prefix_match' },
      service: { service: '${name.suffix}' },
    });
    // The client expects a list, which Consul's answer is not either, and so returns nothing.
    expect(await consul.query.explain('find-consul')).toBeUndefined();
    expect(await consul.query.execute('find-consul')).toMatchObject({ Nodes: [{ Node: { Node: 'node1' } }] });
    await consul.query.destroy(ID);
    expect(await consul.query.list()).toEqual([]);
  });
});

describe('transactions', () => {
  const value = (text: string) => Buffer.from(text).toString('base64');

  test('all take effect, or none', async () => {
    const done = await consul.transaction.create([
      { KV: { Verb: 'set', Key: 'txn/a', Value: value('1') } },
      { KV: { Verb: 'set', Key: 'txn/b', Value: value('2') } },
    ]);
    expect(done['Results']).toHaveLength(2);
    expect(await consul.kv.get('txn/b')).toMatchObject({ Value: '2' });
    const failed = consul.transaction.create([
      { KV: { Verb: 'set', Key: 'txn/a', Value: value('3') } },
      { KV: { Verb: 'check-not-exists', Key: 'txn/b' } },
    ]);
    await expect(failed).rejects.toMatchObject({ statusCode: 409 });
    expect(await consul.kv.get('txn/a')).toMatchObject({ Value: '1' });
    await consul.transaction.create([{ KV: { Verb: 'delete-tree', Key: 'txn/' } }]);
    expect(await consul.kv.get('txn/a')).toBeUndefined();
  });
});

describe('catalog and health', () => {
  beforeAll(async () => {
    await consul.agent.service.register({ name: 'web', tags: ['blue'], port: 80, check: { ttl: '60s' } });
    await consul.catalog.register({
      node: 'external',
      address: '10.9.9.9',
      nodemeta: { external: 'yes' },
      service: { service: 'web', id: 'web-ext', tags: ['green'], port: 81 },
      check: {
        name: 'ext',
        checkid: 'ext',
        serviceid: 'web-ext',
        status: 'passing',
        definition: { http: 'http://x', intervalduration: '10s' },
      },
    });
  });

  afterAll(async () => {
    await consul.catalog.deregister('external');
    await consul.agent.service.deregister('web');
  });

  test('datacenters, nodes, services', async () => {
    expect(await consul.catalog.datacenters()).toEqual(['dc1']);
    const nodes = await consul.catalog.nodes('dc1');
    expect([nodes[0]?.['Node'], nodes[1]?.['Node']]).toEqual(['external', 'node1']);
    expect(await consul.catalog.node.list()).toEqual(nodes);
    expect(await consul.catalog.services()).toEqual({ consul: [], web: ['blue', 'green'] });
    expect(await consul.catalog.service.list({ 'node-meta': 'external:yes' })).toEqual({ web: ['green'] });
  });

  test('the services of a node, the nodes of a service', async () => {
    const node = await consul.catalog.node.services('node1');
    expect(node['Services']?.['web']).toMatchObject({ ID: 'web', Tags: ['blue'], Port: 80 });
    const flat = await consul.catalog.service.nodes({ service: 'web', tag: 'green' });
    expect(flat).toHaveLength(1);
    expect(flat[0]).toMatchObject({ Node: 'external', ServiceID: 'web-ext', ServicePort: 81, Address: '10.9.9.9' });
    expect(await consul.catalog.connect.nodes('web')).toEqual([]);
  });

  test('health by node, service and state', async () => {
    const checks = await consul.health.node('node1');
    expect(checks[0]).toMatchObject({ CheckID: 'serfHealth', Status: 'passing' });
    const ofService = await consul.health.checks('web');
    expect([ofService[0]?.['CheckID'], ofService[1]?.['CheckID']]).toEqual(['ext', 'service:web']);
    const all = await consul.health.service('web');
    expect(all).toHaveLength(2);
    expect(all[1]).toMatchObject({ Node: { Node: 'node1' }, Service: { ID: 'web' } });
    expect(await consul.health.service({ service: 'web', passing: true })).toHaveLength(1);
    await consul.agent.check.pass('service:web');
    expect(await consul.health.service({ service: 'web', passing: true, tag: 'blue' })).toHaveLength(1);
    expect(await consul.health.state('critical')).toEqual([]);
    expect(await consul.health.state('any')).toHaveLength(3);
  });

  test('deregisters from the catalog', async () => {
    await consul.catalog.deregister({ node: 'external', serviceid: 'web-ext' });
    expect(await consul.health.service('web')).toHaveLength(1);
  });
});

// The client turns a `false` into undefined.
describe('kv', () => {
  test('get, set, keys, del, in every form', async () => {
    expect(await consul.kv.set('hello', 'world')).toBe(true);
    const entry = await consul.kv.get('hello');
    expect(Object.keys(entry).sort()).toEqual(['CreateIndex', 'Flags', 'Key', 'LockIndex', 'ModifyIndex', 'Value']);
    expect(entry).toMatchObject({ Key: 'hello', Value: 'world', Flags: 0, LockIndex: 0 });
    expect(await consul.kv.get({ key: 'hello', raw: true })).toEqual(Buffer.from('world'));
    expect(await consul.kv.get('none')).toBeUndefined();
    for (const key of ['a/x/1', 'a/y/2']) await consul.kv.set({ key, value: 'v', flags: 7 });
    expect(await consul.kv.get({ key: 'a/', recurse: true })).toMatchObject([{ Flags: 7 }, { Flags: 7 }]);
    expect(await consul.kv.keys('a')).toEqual(['a/x/1', 'a/y/2']);
    expect(await consul.kv.keys({ key: 'a/', separator: '/' })).toEqual(['a/x/', 'a/y/']);
    expect(await consul.kv.keys()).toEqual(['a/x/1', 'a/y/2', 'hello']);
    const cas = entry['ModifyIndex'];
    expect(await consul.kv.set({ key: 'hello', value: 'x', cas: '1' })).toBeUndefined();
    expect(await consul.kv.set({ key: 'hello', value: 'x', cas })).toBe(true);
    expect(await consul.kv.del({ key: 'hello', cas })).toBeUndefined();
    expect(await consul.kv.del('hello')).toBe(true);
    expect(await consul.kv.delete({ recurse: true })).toBe(true);
    expect(await consul.kv.keys()).toEqual([]);
    await expect(consul.kv.get('')).rejects.toThrow(/Missing key name/);
  });

  test('locks: acquire, be refused, release, and lose the key with the session', async () => {
    const one = (await consul.session.create({ lockdelay: '0s' }))['ID'];
    const two = (await consul.session.create())['ID'];
    const lock = (how: object) => consul.kv.set({ key: 'leader', value: 'me', ...how });
    expect(await lock({ acquire: one })).toBe(true);
    expect(await lock({ acquire: two })).toBeUndefined();
    expect(await lock({ release: two })).toBeUndefined();
    expect(await consul.kv.get('leader')).toMatchObject({ Session: one, LockIndex: 1 });
    expect(await lock({ release: one })).toBe(true);
    expect(await lock({ acquire: one })).toBe(true);
    await consul.session.destroy(one);
    expect((await consul.kv.get('leader'))['Session']).toBeUndefined();
    expect(await lock({ acquire: two })).toBe(true);
    await expect(lock({ acquire: 'unknown' })).rejects.toThrow(/invalid session/);
    await consul.session.destroy(two);
  });

  test('a blocking get returns with the update', async () => {
    await consul.kv.set('waited', 'old');
    const { ModifyIndex } = await consul.kv.get('waited');
    const waiting = consul.kv.get({ key: 'waited', index: ModifyIndex, wait: '60s' });
    await consul.kv.set('waited', 'new');
    expect((await waiting)['Value']).toBe('new');
  });
});

describe('session', () => {
  test('create, info, get, node, list, renew, destroy', async () => {
    const { ID } = await consul.session.create({ name: 's', ttl: '15s', behavior: 'delete', lockdelay: '5s' });
    const session = await consul.session.info(ID);
    expect(session).toMatchObject({
      ID,
      Name: 's',
      Node: 'node1',
      NodeChecks: ['serfHealth'],
      LockDelay: 5_000_000_000,
      Behavior: 'delete',
      TTL: '15s',
    });
    expect(await consul.session.get(ID)).toEqual(session);
    expect(await consul.session.node('node1')).toEqual([session]);
    expect(await consul.session.node('elsewhere')).toEqual([]);
    expect(await consul.session.list()).toEqual([session]);
    expect(await consul.session.renew(ID)).toEqual([session]);
    await consul.session.destroy(ID);
    expect(await consul.session.get(ID)).toBeUndefined();
    await expect(consul.session.renew(ID)).rejects.toThrow(/not found/);
    await expect(consul.session.create({ ttl: '1s' })).rejects.toThrow(/Invalid Session TTL/);
  });
});

describe('namespaces', () => {
  test('a client that sends the header X-Consul-Namespace reads and writes in that namespace only', async () => {
    const port = server.ports.http;
    const created = await fetch(`http://127.0.0.1:${port}/v1/namespace`, { method: 'PUT', body: '{"Name":"team-a"}' });
    expect(created.status).toBe(200);
    const team = new Consul({ host: '127.0.0.1', port, headers: { 'X-Consul-Namespace': 'team-a' } });
    follow(team);
    expect(await team.kv.set('color', 'azure')).toBe(true);
    expect(await team.kv.get('color')).toMatchObject({ Value: 'azure', Namespace: 'team-a' });
    expect(await consul.kv.get('color')).toBeUndefined();
    await team.agent.service.register({ name: 'web', port: 2, check: { ttl: '60s', status: 'passing' } });
    expect(await team.health.service({ service: 'web', passing: true })).toMatchObject([{ Service: { Port: 2, Namespace: 'team-a' } }]);
    expect(await consul.health.service('web')).toEqual([]);
    const { ID } = await team.session.create({ name: 'lock' });
    expect(await team.kv.set({ key: 'color', value: 'mine', acquire: ID })).toBe(true);
    expect(await consul.session.list()).toEqual([]);
    const { ModifyIndex } = await team.kv.get('color');
    const waiting = team.kv.get({ key: 'color', index: ModifyIndex, wait: '60s' });
    await consul.kv.set('color', 'of default');
    await team.kv.set('color', 'new');
    expect(await waiting).toMatchObject({ Value: 'new' });
    await consul.kv.del('color');
    await team.agent.service.deregister('web');
    team.destroy();
  });
});

describe('watch', () => {
  test('sees each change of a key in order, including its deletion', async () => {
    const watch = consul.watch({ method: consul.kv.get, options: { key: 'watched', wait: '60s' } as never });
    const errors: unknown[] = [];
    watch.on('error', (error) => errors.push(error));
    const seen: unknown[] = [];
    let changed: () => void = () => {};
    watch.on('change', (entry: Loose | undefined) => {
      seen.push(entry?.['Value']);
      changed();
    });
    const next = (change?: () => Promise<unknown>) =>
      new Promise<void>((resolve, reject) => {
        changed = resolve;
        change?.().catch(reject);
      });
    await next();
    await next(() => consul.kv.set('watched', '1'));
    await next(() => consul.kv.set('watched', '2'));
    await next(() => consul.kv.del('watched'));
    watch.end();
    expect(seen).toEqual([undefined, '1', '2', undefined]);
    expect(errors).toEqual([]);
  });

  test('follows a service as it appears, fails and disappears', async () => {
    const watch = consul.watch({ method: consul.health.service, options: { service: 'shop', passing: true, wait: '60s' } as never });
    const sizes: number[] = [];
    let changed: () => void = () => {};
    watch.on('change', (entries) => {
      sizes.push(Object.keys(entries).length);
      changed();
    });
    const until = (size: number) =>
      new Promise<void>((resolve) => {
        changed = () => sizes.at(-1) === size && resolve();
        changed();
      });
    await until(0);
    await consul.agent.service.register({ name: 'shop', check: { ttl: '60s', status: 'passing' } });
    await until(1);
    await consul.agent.check.fail('service:shop');
    await until(0);
    await consul.agent.check.pass('service:shop');
    await until(1);
    await consul.agent.service.deregister('shop');
    await until(0);
    watch.end();
  });

  test('a request that can never succeed ends the watch, as it should', async () => {
    const watch = consul.watch({ method: consul.kv.get });
    const error = await new Promise<Error>((resolve) => watch.on('error', resolve));
    expect(error.message).toContain('Missing key name');
    expect(watch.isRunning()).toBe(false);
  });
});

test('every request of this tier was made', () => {
  const folder = dirname(require.resolve('consul'));
  const names = new Set<string | undefined>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js')) continue;
    const source = readFileSync(`${folder}/${file}`, 'utf8');
    for (const [, name] of source.matchAll(/name: "([a-z]+(?:\.\w+)+)"/g)) names.add(name);
  }
  const wanted = [...names].filter((name) => name !== undefined && !removed.test(name));
  expect(wanted.length).toBeGreaterThan(30);
  expect(wanted.filter((name) => !made.has(name ?? ''))).toEqual([]);
});
