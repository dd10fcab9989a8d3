/** Access control: every request for each kind of caller, by what its table declares; instances; and rights that change meanwhile. */

import { describe, expect, test, onTestFinished } from 'vitest';
import { opCodes, type OpName } from '../../jute/codes.ts';
import type { RequestBody } from '../../jute/requests.ts';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import type { Server } from '../../server.ts';
import { requestTable } from './requests/table.ts';
import { modes, openAcl, TestClient, zookeeperServer } from './zookeeper.case.ts';

const path = '/app/x';
const on = { path };
const watched = { path, watch: true };
const create = (name: string) => ({ path: `/app/${name}`, data: null, acl: openAcl, flags: modes.persistent });
const watches = { relativeZxid: 0, dataWatches: [path], existWatches: [], childWatches: [] };

const samples: { readonly [O in OpName]: RequestBody<O> } = {
  ...{ create: create('a'), create2: create('b'), createContainer: { ...create('c'), flags: modes.container }, createTTL: { ...create('d'), flags: modes.persistentWithTtl, ttl: 1_000 } },
  ...{ delete: { path, version: -1 }, exists: watched, getData: watched, setData: { path, data: null, version: -1 }, getACL: on, setACL: { path, acl: openAcl, version: -1 } },
  ...{ getChildren: watched, getChildren2: watched, sync: on, ping: {}, check: { path, version: -1 }, whoAmI: {}, closeSession: {} },
  multi: { operations: [{ op: 'setData', path, data: null, version: -1 }] },
  multiRead: { operations: [{ op: 'getData', ...watched }] },
  reconfig: { joiningServers: '', leavingServers: '', newMembers: '', curConfigId: -1 },
  ...{ checkWatches: { path, type: 3 }, removeWatches: { path, type: 3 }, auth: { type: 0, scheme: 'digest', auth: Buffer.from('a:b') }, sasl: { token: null } },
  ...{ setWatches: watches, setWatches2: { ...watches, persistentWatches: [], persistentRecursiveWatches: [] }, addWatch: { path, mode: 0 } },
  ...{ getEphemerals: { prefixPath: '' }, getAllChildrenNumber: on },
};

/** Answers that have nothing to do with rights. */
const otherwise: Partial<Record<OpName, string>> = { checkWatches: 'noWatcher', removeWatches: 'noWatcher', reconfig: 'reconfigDisabled', sasl: 'authFailed' };

async function guarded(): Promise<{ server: Server; port: number; grants: Grantor; owner: TestClient }> {
  const { server, port } = await zookeeperServer({ acl: { initialManagement: management } });
  const grants = grantor(server.registry);
  onTestFinished(() => grants.close());
  const owner = await connected(port, management);
  await owner.create('/app');
  await owner.create(path, 'secret');
  return { server, port, grants, owner };
}

async function connected(port: number, secret?: string): Promise<TestClient> {
  const client = await TestClient.connected(port);
  if (secret !== undefined) expect(await client.errorOf('auth', { type: 0, scheme: 'digest', auth: Buffer.from(`name:${secret}`) })).toBe('ok');
  return client;
}

const access = (op: OpName) => requestTable[op].access;
const isRefused = async (client: TestClient, op: OpName): Promise<boolean> => {
  const { error, body } = await client.ask(op, samples[op]);
  if (op === 'multiRead') return (body as { results: readonly { err?: number }[] }).results[0]?.err === -102;
  expect(['ok', 'noAuth', otherwise[op]]).toContain(error);
  return error === 'noAuth';
};

describe('every request', () => {
  test('has a sample, and the declared access', () => {
    expect(Object.keys(samples).sort()).toEqual(Object.keys(opCodes).sort());
  });

  test.each(['none', 'read', 'write'] as const)('is answered or refused for a caller with %s', async (level) => {
    for (const op of Object.keys(samples) as OpName[]) {
      const { port, grants } = await shared();
      const rules = level === 'none' ? 'key_prefix "" { policy = "write" } service_prefix "" { policy = "write" }' : `znode_prefix "/app" { policy = "${level}" }`;
      const { secret } = await grants.token(rules);
      const client = await connected(port, secret);
      const declared = access(op);
      const needs = declared.kind === 'demands-by-name' ? declared.verb : undefined;
      // What the samples of setWatches name is left out for a caller who may not read it.
      const refused = needs !== undefined && !op.startsWith('setWatches') && (level === 'none' || (needs === 'write' && level === 'read'));
      expect(`${op} ${await isRefused(client, op)}`).toBe(`${op} ${refused}`);
      client.socket.destroy();
      await restore();
    }
  });
});

let one: Awaited<ReturnType<typeof guarded>> | undefined;

/** One server for all requests of a test. */
async function shared(): Promise<Awaited<ReturnType<typeof guarded>>> {
  if (one === undefined) {
    one = await guarded();
    onTestFinished(() => (one = undefined));
  }
  return one;
}

/** What a request has changed is put back. */
async function restore(): Promise<void> {
  const { owner } = await shared();
  for (const name of await owner.children('/app')) if (name !== 'x') await owner.delete(`/app/${name}`);
  if (!(await owner.exists(path))) await owner.create(path, 'secret');
}

test('a caller without a token has the rights of the anonymous one, and a wrong token none more', async () => {
  const { port, grants } = await guarded();
  const client = await TestClient.connected(port);
  expect(await client.errorOf('getData', { path, watch: false })).toBe('noAuth');
  expect(await client.errorOf('auth', { type: 0, scheme: 'digest', auth: Buffer.from('name:wrong') })).toBe('ok');
  expect(await client.errorOf('getData', { path, watch: false })).toBe('noAuth');
  await grants.allCallers('znode_prefix "/app" { policy = "read" }');
  expect(await (await TestClient.connected(port)).text(path)).toBe('secret');
  const other = await TestClient.connected(port);
  expect(await other.errorOf('auth', { type: 0, scheme: 'token', auth: Buffer.from('wrong') })).toBe('authFailed');
  await other.ended();
});

test('lists and events leave out what the caller may not read', async () => {
  const { port, grants, owner } = await guarded();
  await owner.create('/app/hidden');
  const { secret } = await grants.token('znode_prefix "/app" { policy = "read" } znode "/app/hidden" { policy = "deny" }');
  const client = await connected(port, secret);
  expect(await client.children('/app')).toEqual(['x']);
  await client.get('addWatch', { path: '/app', mode: 1 });
  await owner.set('/app/hidden', 'new');
  await owner.set(path, 'new');
  expect(await client.event()).toEqual([`dataChanged ${path}`]);
});

test('an instance needs the rights of its service, too', async () => {
  const { port, grants, owner } = await guarded();
  await owner.create('/services');
  await owner.create('/services/web');
  const { secret } = await grants.token('znode_prefix "/" { policy = "write" } service "api" { policy = "write" }');
  const client = await connected(port, secret);
  const data = Buffer.from(JSON.stringify({ name: 'web', id: 'i', address: '10.0.0.1', port: 1 }));
  expect(await client.errorOf('create', { path: '/services/web/i', data, acl: openAcl, flags: modes.ephemeral })).toBe('noAuth');
  expect(await client.errorOf('getChildren', { path: '/services/web', watch: false })).toBe('noAuth');
  expect(await client.children('/services')).toEqual([]);
  await client.create('/services/api');
  expect(await client.errorOf('create', { path: '/services/api/i', data, acl: openAcl, flags: modes.ephemeral })).toBe('ok');
});

test("a provider of Dubbo that another protocol registered needs the rights on its interface, its service and its node", async () => {
  const { server, port, grants, owner } = await guarded();
  const list = '/dubbo/a.B/providers';
  const body = JSON.stringify({ ID: 'g1', Name: 'providers:a.B::', Address: '10.0.0.1', Port: 1, Meta: { interface: 'a.B', protocol: 'dubbo' } });
  expect((await fetch(`${server.url}/v1/agent/service/register`, { method: 'PUT', body, headers: { 'x-consul-token': management } })).status).toBe(200);
  for (const each of ['/dubbo', '/dubbo/a.B', list]) await owner.create(each);
  const [name = ''] = await owner.children(list);
  expect(name).not.toBe('');
  const rules = ['znode_prefix "/" { policy = "read" }', 'service "a.B" { policy = "read" }', 'service "providers:a.B::" { policy = "read" }', 'node_prefix "" { policy = "read" }'];
  for (let without = 0; without <= rules.length; without++) {
    const { secret } = await grants.token(rules.filter((_, at) => at !== without).join('\n'));
    const client = await connected(port, secret);
    const sees = without === rules.length;
    expect(await client.errorOf('exists', { path: `${list}/${name}`, watch: false }), rules[without]).toBe(sees ? 'ok' : 'noAuth');
    if (without > 0) expect(await client.children(list), rules[without]).toEqual(sees ? [name] : []);
  }
});

test('rights that change count at once; a connection whose token is gone ends, and its session stays', async () => {
  const { port, grants, server } = await guarded();
  const token = await grants.token('znode_prefix "/app" { policy = "read" }');
  const client = await connected(port, token.secret);
  await grants.change(token, 'znode_prefix "/app" { policy = "write" }');
  await client.set(path, 'mine');
  await grants.revoke(token);
  await client.ended();
  expect((await client.again(port)).session.sessionId).toBe(client.session.sessionId);
  expect(server.ports['zookeeper']).toBe(port);
});

describe("ZooKeeper's own ACLs", () => {
  const digest = (user: string, hash: string) => [{ perms: 31, id: { scheme: 'digest', id: `${user}:${hash}` } }];

  test('are enforced without access control, for reads, writes, children and events', async () => {
    const { port } = await zookeeperServer();
    const [owner, other] = [await TestClient.connected(port), await TestClient.connected(port)];
    await owner.ask('auth', { type: 0, scheme: 'digest', auth: Buffer.from('u:p') });
    // The hash of u:p, as kazoo and Curator make it.
    await owner.get('create', { path: '/own', data: Buffer.from('x'), acl: digest('u', 'Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ='), flags: 0 });
    await other.get('addWatch', { path: '/', mode: 1 });
    for (const op of ['getData', 'exists', 'getChildren'] as const) expect(await other.errorOf(op, { path: '/own', watch: false })).toBe('noAuth');
    expect(await other.errorOf('setData', { path: '/own', data: null, version: -1 })).toBe('noAuth');
    expect(await other.errorOf('create', { path: '/own/a', data: null, acl: openAcl, flags: 0 })).toBe('noAuth');
    await owner.set('/own', 'y');
    await owner.create('/seen');
    expect(await other.event()).toEqual(['created /seen']);
    expect((await owner.get('getACL', { path: '/own' })).acl).toEqual(digest('u', 'Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ='));
    expect((await owner.get('whoAmI', {})).clientInfo).toEqual([{ authScheme: 'ip', user: '127.0.0.1' }, { authScheme: 'digest', user: 'u' }]);
  });

  test('do not stop an operator', async () => {
    const { port, owner, grants } = await guarded();
    const { secret } = await grants.token('znode_prefix "/" { policy = "write" }');
    const client = await connected(port, secret);
    await client.get('create', { path: '/app/locked', data: null, acl: digest('u', 'x'), flags: 0 });
    expect(await client.errorOf('getData', { path: '/app/locked', watch: false })).toBe('noAuth');
    expect(await owner.errorOf('setACL', { path: '/app/locked', acl: openAcl, version: -1 })).toBe('ok');
    expect(await client.errorOf('getData', { path: '/app/locked', watch: false })).toBe('ok');
  });
});
