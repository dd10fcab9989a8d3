/** The catalog and health reads: shapes, selections, and direct registrations. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
  for (const [node, zone, tags] of [['n1', 'a', ['v1', 'EU']], ['n2', 'b', ['v2']]] as const) {
    await consul.put('/v1/catalog/register', {
      Node: node,
      ID: `40e4a748-2192-161a-0510-9bf59fe950b${node.slice(1)}`,
      Address: `10.0.0.${node.slice(1)}`,
      NodeMeta: { zone },
      TaggedAddresses: { wan: '1.1.1.1' },
      Service: { Service: 'db', ID: `db-${node}`, Tags: tags, Port: 5432, Meta: { k: 'v' } },
      Checks: [
        {
          Name: 'alive',
          CheckID: `db-${node}`,
          ServiceID: `db-${node}`,
          Status: node === 'n1' ? 'passing' : 'warning',
        },
        { Name: 'disk', Status: 'passing' },
      ],
    });
  }
});
afterAll(() => consul[Symbol.asyncDispose]());

interface Entry {
  readonly Node: { readonly Node: string };
  readonly Service: Record<string, unknown>;
  readonly Checks: readonly { readonly CheckID: string }[];
}

const nodesOf = async (path: string) => (await consul.get(path)).json<Entry[]>().map(({ Node }) => Node.Node);
const checksOf = async (path: string) =>
  (await consul.get(path)).json<{ CheckID: string }[]>().map(({ CheckID }) => CheckID);

describe('reads', () => {
  test('a health entry has its node, its instance and the checks of both', async () => {
    const [entry] = (await consul.get('/v1/health/service/db')).json<Entry[]>();
    const index = expect.any(Number);
    expect(entry).toEqual({
      Node: {
        ID: '40e4a748-2192-161a-0510-9bf59fe950b1',
        Node: 'n1',
        Address: '10.0.0.1',
        Datacenter: 'dc1',
        TaggedAddresses: { wan: '1.1.1.1' },
        Meta: { zone: 'a' },
        CreateIndex: index,
        ModifyIndex: index,
      },
      Service: {
        ID: 'db-n1',
        Service: 'db',
        Tags: ['v1', 'EU'],
        Address: '',
        Meta: { k: 'v' },
        Port: 5432,
        Weights: { Passing: 1, Warning: 1 },
        EnableTagOverride: false,
        Proxy: { Mode: '', MeshGateway: {}, Expose: {} },
        Connect: {},
        PeerName: '',
        CreateIndex: index,
        ModifyIndex: index,
      },
      Checks: ['disk', 'db-n1'].map((id) => expect.objectContaining({ CheckID: id, Node: 'n1', Definition: {} })),
    });
  });

  test.each([
    ['', ['n1', 'n2']],
    ['?passing', ['n1']],
    ['?passing=1', ['n1']],
    ['?passing=false', ['n1', 'n2']],
    ['?tag=v1', ['n1']],
    ['?tag=V1&tag=eu', ['n1']],
    ['?tag=v1&tag=v2', []],
    ['?tag=', []],
    ['?node-meta=zone:b', ['n2']],
    ['?node-meta=zone:b&node-meta=zone:a', []],
    ['?node-meta=__proto__', []],
    ['?near=_agent&stale&cached&token=x&merge-central-config', ['n1', 'n2']],
    ['?peer=elsewhere', []],
  ])('health/service/db%s', async (query, nodes) => {
    expect(await nodesOf(`/v1/health/service/db${query}`)).toEqual(nodes);
  });

  test('the flat form of catalog/service', async () => {
    const [row, ...rest] = (await consul.get('/v1/catalog/service/db?tag=v2')).json<Record<string, unknown>[]>();
    expect(rest).toEqual([]);
    expect(row).toMatchObject({
      Node: 'n2',
      Address: '10.0.0.2',
      NodeMeta: { zone: 'b' },
      ServiceID: 'db-n2',
      ServiceName: 'db',
      ServiceTags: ['v2'],
      ServicePort: 5432,
      ServiceWeights: { Passing: 1, Warning: 1 },
      ServiceMeta: { k: 'v' },
    });
  });

  test('services with their tags, all of them or those on selected nodes', async () => {
    expect((await consul.get('/v1/catalog/services')).json()).toEqual({ consul: [], db: ['EU', 'v1', 'v2'] });
    expect((await consul.get('/v1/catalog/services?node-meta=zone:a')).json()).toEqual({ db: ['EU', 'v1'] });
    expect((await consul.get('/v1/catalog/services?node-meta=zone:c')).json()).toEqual({});
  });

  test('nodes, one node, and an unknown node', async () => {
    const names = (await consul.get('/v1/catalog/nodes')).json<{ Node: string }[]>().map(({ Node }) => Node);
    expect(names).toEqual(['n1', 'n2', 'server-1']);
    expect((await consul.get('/v1/catalog/nodes?node-meta=zone:a')).json()).toHaveLength(1);
    expect((await consul.get('/v1/catalog/node/n1')).json()).toMatchObject({
      Node: { Node: 'n1' },
      Services: { 'db-n1': { Service: 'db' } },
    });
    expect((await consul.get('/v1/catalog/node-services/n1')).json()).toMatchObject({ Services: [{ ID: 'db-n1' }] });
    expect((await consul.get('/v1/catalog/node/none')).text).toBe('null');
    expect((await consul.get('/v1/catalog/node-services/none')).text).toBe('{"Node":null,"Services":null}');
  });

  test('checks by service, node and state', async () => {
    expect(await checksOf('/v1/health/checks/db')).toEqual(['db-n1', 'db-n2']);
    expect(await checksOf('/v1/health/checks/db?node-meta=zone:b')).toEqual(['db-n2']);
    expect(await checksOf('/v1/health/node/n1')).toEqual(['db-n1', 'disk']);
    expect(await checksOf('/v1/health/node/none')).toEqual([]);
    expect(await checksOf('/v1/health/state/warning')).toEqual(['db-n2']);
    expect(await checksOf('/v1/health/state/any')).toEqual(['db-n1', 'disk', 'db-n2', 'disk', 'serfHealth']);
    expect(await checksOf('/v1/health/state/any?node-meta=zone:b')).toEqual(['db-n2', 'disk']);
    expect(await checksOf('/v1/health/state/unknown')).toEqual([]);
  });

  test('checks show the present tags of their instance', async () => {
    const register = (tag: string) =>
      consul.put('/v1/agent/service/register', { Name: 'tagged', Tags: [tag], Check: { TTL: '60s' } });
    const tags = async () =>
      (await consul.get('/v1/health/state/critical')).json<{ ServiceTags: string[] }[]>().map((check) => check.ServiceTags);
    await register('old');
    expect(await tags()).toEqual([['old']]);
    await register('new');
    expect(await tags()).toEqual([['new']]);
    await consul.put('/v1/agent/service/deregister/tagged');
  });

  test('the servers’ own node and service', async () => {
    const [entry] = (await consul.get('/v1/health/service/consul?passing')).json<Entry[]>();
    expect(entry?.Service).toMatchObject({ ID: 'consul', Port: 8300 });
    expect(entry?.Checks.map(({ CheckID }) => CheckID)).toEqual(['serfHealth']);
  });

  test('service mesh endpoints are empty, and the root certificate is a valid one', async () => {
    expect((await consul.get('/v1/health/connect/db')).text).toBe('[]');
    expect((await consul.get('/v1/catalog/connect/db')).text).toBe('[]');
    expect((await consul.get('/v1/catalog/datacenters')).json()).toEqual(['dc1']);
  });

  test.each([
    ['/v1/health/service/', 'Missing service name'],
    ['/v1/health/checks/', 'Missing service name'],
    ['/v1/health/node/', 'Missing node name'],
    ['/v1/health/state/', 'Missing check state'],
    ['/v1/catalog/service/', 'Missing service name'],
    ['/v1/catalog/node/', 'Missing node name'],
    ['/v1/health/service/db?passing=x', 'Invalid value for ?passing'],
    ['/v1/health/service/db?filter=a==b', 'Failed to create boolean expression evaluator: Selector "a" is not valid'],
    ['/v1/health/service/a%09b', 'Invalid service name "a\\tb": control characters are not allowed'],
    ['/v1/catalog/nodes?partition=x', 'Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature'],
  ])('%s is refused', async (path, text) => {
    const answer = await consul.get(path);
    expect([answer.status, answer.text]).toEqual([400, text]);
  });
});

describe('registrations', () => {
  test.each([
    ['', 400, 'Request decode failed: EOF'],
    [{}, 400, 'Must provide node'],
    [{ Node: 'x' }, 400, 'Must provide address if SkipNodeUpdate is not set'],
    [{ Node: 'x', Address: '1.1.1.1', ID: 'zz' }, 400, 'Bad node ID: "zz" is not a UUID'],
    [{ Node: 'x', Address: '1.1.1.1', Service: { ID: 's' } }, 400, 'Must provide service name (Service.Service) when service ID is provided'],
    [{ Node: 'x', Address: '1.1.1.1', Service: { Service: 's', Address: '::' } }, 400, 'Invalid service address'],
    [{ Node: 'x', Address: '1.1.1.1', Service: { Service: 's', Foo: 1 } }, 400, 'Request decode failed: json: unknown field "Foo"'],
    [{ Node: 'x', Address: '1.1.1.1', Check: { Name: 'c', ServiceID: 'zz' } }, 400, "Unknown service ID 'zz' for check ID 'c'"],
    [{ Node: 'x', Address: '1.1.1.1', Check: { Name: 'c', Node: 'y' } }, 400, "Node 'y' for check 'c' doesn't match register request node 'x'"],
    [{ Node: 'x', Address: '1.1.1.1', Check: { Name: 'c', Status: 'bad' } }, 400, 'Bad check status "bad": use passing, warning or critical'],
    [{ Node: 'x', Address: '1.1.1.1', Check: { Status: 'passing' } }, 400, 'Must provide a check ID or a check name'],
    [{ Node: 'x', Address: '1.1.1.1', Datacenter: 'dc9' }, 500, 'No path to datacenter'],
    [{ Node: 'x', Address: '1.1.1.1', PeerName: 'p' }, 400, 'cannot register requests with PeerName in them'],
  ])('refuses %.70j', async (body, status, text) => {
    const answer = await consul.put('/v1/catalog/register', body);
    expect([answer.status, answer.text]).toEqual([status, text]);
    expect((await consul.get('/v1/catalog/node/x')).text).toBe('null');
  });

  test('a check of the catalog is returned as it was registered, and not run', async () => {
    const definition = { HTTP: 'http://127.0.0.1:1/', Interval: '10s' };
    await consul.put('/v1/catalog/register', {
      Node: 'esm',
      Address: '10.1.1.1',
      NodeMeta: { 'consul-network-segment': '' },
      Service: { Service: 'ext' },
      Check: {
        CheckID: 'probe',
        ServiceName: 'q',
        ServiceTags: ['z'],
        Status: 'passing',
        Output: 'out',
        Definition: definition,
      },
    });
    expect((await consul.get('/v1/health/node/esm')).json()).toEqual([
      expect.objectContaining({
        Type: 'http',
        Definition: definition,
        ServiceName: 'q',
        ServiceTags: ['z'],
        Output: 'out',
      }),
    ]);
    expect((await consul.get('/v1/health/service/ext?passing')).json()).toHaveLength(1);
  });

  test('SkipNodeUpdate leaves a node as it is, and creates a missing one', async () => {
    const more = { Node: 'n1', SkipNodeUpdate: true, Service: { Service: 'more' } };
    const answer = await consul.put('/v1/catalog/register', more);
    expect(answer.text).toBe('true');
    expect((await consul.get('/v1/catalog/node/n1')).json()).toMatchObject({ Node: { Address: '10.0.0.1' } });
    await consul.put('/v1/catalog/register', { Node: 'fresh', SkipNodeUpdate: true });
    expect((await consul.get('/v1/catalog/node/fresh')).json()).toMatchObject({ Node: { Address: '' } });
  });

  test('deregisters a service with its checks, a check, or a node with everything on it', async () => {
    const gone = async (body: object) => (await consul.put('/v1/catalog/deregister', body)).text;
    await consul.put('/v1/catalog/register', {
      Node: 'tmp',
      Address: '10.2.2.2',
      Service: { Service: 'tmp' },
      Checks: [{ Name: 'svc', ServiceID: 'tmp' }, { Name: 'one' }, { Name: 'two' }],
    });
    expect(await gone({ Node: 'tmp', ServiceID: 'tmp', Address: 'ignored' })).toBe('true');
    expect(await checksOf('/v1/health/node/tmp')).toEqual(['one', 'two']);
    expect(await gone({ Node: 'tmp', CheckID: 'one' })).toBe('true');
    expect(await checksOf('/v1/health/node/tmp')).toEqual(['two']);
    expect(await gone({ Node: 'tmp' })).toBe('true');
    expect((await consul.get('/v1/catalog/node/tmp')).text).toBe('null');
    expect(await gone({ Node: 'tmp' })).toBe('true');
    const refused = await consul.put('/v1/catalog/deregister', {});
    expect([refused.status, refused.text]).toEqual([400, 'Must provide node']);
  });
});
