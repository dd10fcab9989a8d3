/** A node is its id: it is renamed, never there twice, and takes no living node's name; agents and the catalog share it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { embedded } from '../../../engine/embedded/embedded.ts';
import { type Ask, Consul } from '../consul.case.ts';

const id = '40e4a748-2192-161a-0510-9bf59fe950b1';
const otherId = '40e4a748-2192-161a-0510-9bf59fe950b2';
const management = 'f0e2a3a0-0000-4000-8000-000000000001';
const asManager = { headers: { 'x-consul-token': management } };

interface NodeJson {
  readonly Node: string;
  readonly Address: string;
  readonly ID: string;
}

async function nodesOf(consul: Consul, ask: Ask = {}): Promise<string[]> {
  const all = (await consul.get('/v1/catalog/nodes', ask)).json<NodeJson[]>();
  return all.map(({ Node, Address }) => `${Node} ${Address}`);
}

async function instancesOf(consul: Consul, service: string, ask: Ask = {}): Promise<string[]> {
  const found = (await consul.get(`/v1/catalog/service/${service}`, ask)).json<{ Node: string; ServiceID: string }[]>();
  return found.map(({ Node, ServiceID }) => `${Node}/${ServiceID}`);
}

describe('a node that the catalog registers again under the same id with another name', () => {
  let consul: Consul;
  beforeEach(async () => {
    consul = await Consul.start();
    const Check = { CheckID: 'c', Name: 'c', Status: 'passing', ServiceID: 'web' };
    await consul.put('/v1/catalog/register', { ID: id, Node: 'old', Address: '10.0.0.1', Service: { Service: 'web' }, Check });
  });
  afterEach(() => consul[Symbol.asyncDispose]());

  test.each([
    ['by registration', '/v1/catalog/register', { ID: id, Node: 'new', Address: '10.0.0.2', Service: { Service: 'db' } }],
    ['in capitals', '/v1/catalog/register', { ID: id.toUpperCase(), Node: 'new', Address: '10.0.0.2', Service: { Service: 'db' } }],
    [
      'without an update of the node',
      '/v1/catalog/register',
      { ID: id, Node: 'new', Address: '10.0.0.2', SkipNodeUpdate: true, Service: { Service: 'db' } },
    ],
    [
      'in a transaction',
      '/v1/txn',
      [
        { Node: { Verb: 'set', Node: { ID: id, Node: 'new', Address: '10.0.0.2' } } },
        { Service: { Verb: 'set', Node: 'new', Service: { Service: 'db' } } },
      ],
    ],
  ])('exists once; the old name is removed with its services and checks: %s', async (_how, path, body) => {
    const waiting = consul.get(`/v1/health/service/web?index=${(await consul.get('/v1/health/service/web')).index}&wait=60s`);
    await consul.untilParked(1);
    expect((await consul.put(path, body)).status).toBe(200);
    expect(await nodesOf(consul)).toEqual(['new 10.0.0.2', 'server-1 127.0.0.1']);
    expect((await waiting).json()).toEqual([]);
    expect(await instancesOf(consul, 'db')).toEqual(['new/db']);
    expect((await consul.get('/v1/health/node/old')).json()).toEqual([]);
  });

  test('takes over the name of a node without an agent or with a failed one, with everything on it, but not of a live one', async () => {
    const serf = (Status: string) => ({ Node: 'taken', Address: '10.0.0.3', ID: otherId, Check: { CheckID: 'serfHealth', Name: 's', Status } });
    await consul.put('/v1/catalog/register', { ...serf('passing'), Service: { Service: 'on-it' } });
    const rename = { ID: id, Node: 'taken', Address: '10.0.0.2' };
    const refused = await consul.put('/v1/catalog/register', rename);
    expect([refused.status, refused.text]).toEqual([500, `node name taken is reserved by node ${otherId} with name taken (10.0.0.3)`]);
    expect(await nodesOf(consul)).toEqual(['old 10.0.0.1', 'server-1 127.0.0.1', 'taken 10.0.0.3']);
    const txn = await consul.put('/v1/txn', [{ Node: { Verb: 'set', Node: rename } }]);
    expect([txn.status, await instancesOf(consul, 'web')]).toEqual([409, ['old/web']]);
    await consul.put('/v1/catalog/register', serf('critical'));
    expect((await consul.put('/v1/catalog/register', rename)).status).toBe(200);
    expect(await nodesOf(consul)).toEqual(['server-1 127.0.0.1', 'taken 10.0.0.2']);
    expect([await instancesOf(consul, 'web'), await instancesOf(consul, 'on-it')]).toEqual([[], ['taken/on-it']]);
  });
});

describe('with access control', () => {
  let consul: Consul;
  beforeEach(async () => {
    consul = await Consul.start({ acl: { initialManagement: management } });
  });
  afterEach(() => consul[Symbol.asyncDispose]());

  async function tokenWith(rules: string): Promise<Ask> {
    const Name = `p${Math.trunc(performance.now() * 1_000)}`;
    await consul.put('/v1/acl/policy', { Name, Rules: rules }, asManager);
    const token = (await consul.put('/v1/acl/token', { Policies: [{ Name }] }, asManager)).json<{ SecretID: string }>();
    return { headers: { 'x-consul-token': token.SecretID } };
  }

  test('requires the right to the old name, too, to rename', async () => {
    await consul.put('/v1/catalog/register', { ID: id, Node: 'prod', Address: '10.0.0.1', Service: { Service: 'web' } }, asManager);
    const mine = await tokenWith('node_prefix "mine-" { policy = "write" }');
    const rename = { ID: id, Node: 'mine-1', Address: '10.0.0.2' };
    const refused = await consul.put('/v1/catalog/register', rename, mine);
    expect([refused.status, refused.text]).toEqual([403, expect.stringMatching(/'node:write' on "prod"$/)]);
    expect((await consul.put('/v1/txn', [{ Node: { Verb: 'set', Node: rename } }], mine)).status).toBe(409);
    expect(await instancesOf(consul, 'web', asManager)).toEqual(['prod/web']);
  });

  test.each([false, true])('X-Rollcall-Node on a catalog node: every registration adds, none changes the node (management: %s)', async (managing) => {
    await consul.put('/v1/catalog/register', { Node: 'ext', Address: '203.0.113.7' }, asManager);
    const { headers } = managing ? asManager : await tokenWith('service "web" { policy = "write" }');
    const ask = { headers: { ...headers, 'x-rollcall-node': 'ext' } };
    for (const Port of [1, 2, 3]) {
      expect((await consul.put('/v1/agent/service/register', { Name: 'web', Port, Check: { TTL: '60s' } }, ask)).status).toBe(200);
      expect((await consul.put('/v1/agent/check/register', { Name: 'own', ServiceID: 'web', TTL: '60s' }, ask)).status).toBe(200);
      expect(await nodesOf(consul, asManager)).toEqual(['ext 203.0.113.7', 'server-1 127.0.0.1']);
    }
    expect((await consul.put('/v1/agent/check/pass/service:web', undefined, ask)).status).toBe(200);
    const checks = (await consul.get('/v1/health/node/ext', asManager)).json<{ CheckID: string }[]>();
    expect(checks.map(({ CheckID }) => CheckID)).toEqual(['own', 'service:web']);
  });
});

test('X-Rollcall-Node on a catalog node, without access control: the address stays, and it gets no serfHealth', async () => {
  await using consul = await Consul.start();
  await consul.put('/v1/catalog/register', { Node: 'ext', Address: '203.0.113.7' });
  const ask = { headers: { 'x-rollcall-node': 'ext' } };
  for (const Port of [1, 2]) await consul.put('/v1/agent/service/register', { Name: 'web', Port }, ask);
  await consul.put('/v1/agent/maintenance?enable=true', undefined, ask);
  const session = await consul.put('/v1/session/create', {}, ask);
  expect([session.status, session.text]).toEqual([500, 'check serfHealth is not registered on node ext']);
  expect((await consul.put('/v1/session/create', { NodeChecks: [] }, ask)).status).toBe(200);
  expect(await nodesOf(consul)).toEqual(['ext 203.0.113.7', 'server-1 127.0.0.1']);
  const members = (await consul.get('/v1/agent/members')).json<{ Name: string }[]>();
  expect(members.map(({ Name }) => Name)).toEqual(['server-1']);
});

test('a server that gets another name keeps its node, and the registrations on it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-renamed-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  {
    await using consul = await Consul.start({ engine: embedded({ dir }), nodeName: 'first' });
    await consul.server.define({ services: [{ name: 'file' }], checks: [] });
    await consul.put('/v1/agent/service/register', { Name: 'api', Check: { TTL: '60s', Status: 'passing' } });
    await consul.put('/v1/agent/check/register', { Name: 'disk', TTL: '60s', Status: 'passing' });
  }
  await using consul = await Consul.start({ engine: embedded({ dir }), nodeName: 'second' });
  await consul.server.define({ services: [], checks: [] });
  expect(await nodesOf(consul)).toEqual(['second 127.0.0.1']);
  expect([await instancesOf(consul, 'api'), await instancesOf(consul, 'file'), await instancesOf(consul, 'consul')]).toEqual([
    ['second/api'],
    [],
    ['second/consul'],
  ]);
  expect((await consul.get('/v1/health/service/api?passing')).json()).toHaveLength(1);
  expect((await consul.put('/v1/agent/check/pass/disk')).status).toBe(200);
});
