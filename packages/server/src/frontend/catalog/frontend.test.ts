/** Nodes and instances as operators look at them: what is counted, what the rights leave out, and when the tag changes. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';

let registry: ConfigServer;
beforeAll(async () => {
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken } });
  const { registry: replica } = registry.server;
  const check = (id: string, instance: string, status: 'passing' | 'critical') => ({ id, name: id, instance, status, output: `${id} said so` });
  await replica.submit({
    ...{ kind: 'register', namespace: 'default', node: { name: 'n1', address: '10.0.0.1', meta: { rack: 'r1' } }, nodeMode: 'update' },
    instances: [{ id: 'web-1', service: 'web', port: 80, weight: 3 }, { id: 'web-2', service: 'web', port: 81 }, { id: 'db-1', service: 'db', port: 82 }],
    checks: [check('c1', 'web-1', 'passing'), check('c2', 'web-2', 'critical'), { id: 'disk', name: 'Disk', status: 'warning', output: '91 % full' }],
  });
  await replica.submit({
    ...{ kind: 'register', namespace: 'default', node: { name: 'probed', address: '10.0.0.3' }, nodeMode: 'update' },
    instances: [{ id: 'p', service: 'probed' }],
    checks: [{ id: 'c', name: 'c', instance: 'p', type: 'http', definition: { http: 'http://user:secret@10.0.0.3/health?full=1', intervalMs: 5_000 } }],
  });
  await replica.submit({ kind: 'register', namespace: 'default', node: { name: 'n2', address: '10.0.0.2' }, nodeMode: 'update', checks: [{ id: 'serfHealth', name: 'Serf', status: 'critical', output: 'no answer' }] });
  await replica.submit({ kind: 'instance-status', namespace: 'default', node: 'n1', id: 'web-1', weightOverride: 1, note: { by: 'Ada', reason: 'slow disk' } });
});
afterAll(() => registry[Symbol.asyncDispose]());

const as = (token = managementToken, more: Record<string, string> = {}) => ({ headers: { authorization: `Bearer ${token}`, ...more } });

describe('nodes', () => {
  interface Row {
    readonly node: string;
    readonly can: readonly string[];
  }

  test('have the numbers of their instances and checks, and the failed ones are shown', async () => {
    const { nodes } = await registry.json<{ nodes: Row[] }>('/rollcall/v1/nodes', as());
    const none = { passing: 0, warning: 0, starting: 0, draining: 0, critical: 0, maintenance: 0 };
    expect(nodes.filter(({ node }) => node.startsWith('n'))).toEqual([
      { node: 'n1', address: '10.0.0.1', meta: { rack: 'r1' }, status: 'warning', instances: 3, ...none, warning: 2, critical: 1, checks: { passing: 1, warning: 1, critical: 1 }, can: ['read', 'write'] },
      { node: 'n2', address: '10.0.0.2', meta: {}, status: 'critical', instances: 0, ...none, checks: { passing: 0, warning: 0, critical: 1 }, can: ['read', 'write'] },
    ]);
  });

  test('show what the caller may read: other nodes are left out, other services not counted', async () => {
    const token = await registry.tokenWith('node "n1" { policy = "read" } service "db" { policy = "read" }');
    const { nodes } = await registry.json<{ nodes: Row[] }>('/rollcall/v1/nodes', as(token));
    expect(nodes).toMatchObject([{ node: 'n1', instances: 1, checks: { passing: 0, warning: 1, critical: 0 }, can: ['read'] }]);
    expect(await registry.json('/rollcall/v1/nodes', {})).toEqual({ nodes: [] });
  });

  test('have a tag that changes with them', async () => {
    const tag = (await registry.ask('/rollcall/v1/nodes', as())).headers.get('etag') ?? '';
    expect((await registry.ask('/rollcall/v1/nodes', as(managementToken, { 'if-none-match': tag }))).status).toBe(304);
    await registry.server.registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n1', id: 'disk', output: '92 % full' }] });
    expect((await registry.ask('/rollcall/v1/nodes', as(managementToken, { 'if-none-match': tag }))).status).toBe(200);
  });

  test('are shown as of a past time, and so are a node and an instance', async () => {
    const { revision } = registry.server.registry.state;
    await registry.server.registry.submit({ kind: 'register', namespace: 'default', node: { name: 'n9', address: '10.0.0.9' }, nodeMode: 'update' });
    const nodes = async (query: string) => (await registry.json<{ nodes: Row[] }>(`/rollcall/v1/nodes${query}`, as())).nodes.map(({ node }) => node);
    expect([await nodes(''), await nodes(`?at=r${revision}`)]).toEqual([expect.arrayContaining(['n9']), expect.not.arrayContaining(['n9'])]);
    expect((await registry.ask(`/rollcall/v1/nodes/one?name=n9&at=r${revision}`, as())).status).toBe(404);
    const then = await registry.ask(`/rollcall/v1/instances?service=web&id=web-1&at=r${revision}`, as());
    expect([then.status, then.headers.has('x-rollcall-as-of')]).toEqual([200, true]);
  });

  test('one by one have their checks and instances; the caller needs the right to read it', async () => {
    expect(await registry.json('/rollcall/v1/nodes/one?name=n1', as())).toMatchObject({ node: 'n1', status: 'warning', checks: [{ name: 'Disk', status: 'warning', output: '92 % full' }], count: 3 });
    const token = await registry.tokenWith('node "n1" { policy = "read" } service "db" { policy = "read" }');
    expect(await registry.json('/rollcall/v1/nodes/one?name=n1', as(token))).toMatchObject({ instances: [{ service: 'db', id: 'db-1', can: ['read'] }], count: 1 });
    const refused = await registry.ask('/rollcall/v1/nodes/one?name=n2', as(token));
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([403, { denial: { resource: 'node', verb: 'read', name: 'n2' } }]);
    expect((await registry.ask('/rollcall/v1/nodes/one?name=none', as())).status).toBe(404);
    expect((await registry.ask('/rollcall/v1/nodes/one', as())).status).toBe(400);
  });
});

describe('an instance', () => {
  test('has its checks and those of its node, its weights, and and who overrode them', async () => {
    const { instances } = await registry.json<{ instances: object[] }>('/rollcall/v1/instances?service=web&node=n1&id=web-1', as());
    expect(instances).toMatchObject([
      { id: 'web-1', address: '10.0.0.1', status: 'warning', weight: 1, registeredWeight: 3, weightOverride: 1, overridden: { by: 'Ada', reason: 'slow disk', atMs: expect.any(Number) as number }, checks: [{ id: 'c1' }, { id: 'disk' }] },
    ]);
  });

  test('is shown with the address of its probe, without user, password and query', async () => {
    const { text } = await registry.ask('/rollcall/v1/instances?service=probed&id=p', as());
    expect(JSON.parse(text)).toMatchObject({ instances: [{ checks: [{ target: 'http://10.0.0.3/health', intervalMs: 5_000 }] }] });
    expect(text).not.toContain('secret');
  });

  test('has a tag that changes with it', async () => {
    const path = '/rollcall/v1/instances?service=web&id=web-2';
    const tag = (await registry.ask(path, as())).headers.get('etag') ?? '';
    expect((await registry.ask(path, as(managementToken, { 'if-none-match': tag }))).status).toBe(304);
    await registry.server.registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n1', id: 'c2', status: 'passing' }] });
    expect((await registry.ask(path, as(managementToken, { 'if-none-match': tag }))).status).toBe(200);
  });

  test('that has an override is in the list of its service', async () => {
    expect(await registry.json('/rollcall/v1/instances?service=web', as())).toMatchObject({ instances: [{ id: 'web-1' }], count: 1 });
    expect(await registry.json('/rollcall/v1/instances?service=db', as())).toEqual({ instances: [], count: 0 });
  });

  test.each([
    ['/rollcall/v1/instances', 400],
    ['/rollcall/v1/instances?service=web&id=none', 404],
    ['/rollcall/v1/instances?service=db&node=n1&id=web-1', 404],
  ])('is not found by %s', async (path, status) => {
    expect((await registry.ask(path, as())).status).toBe(status);
  });

  test('of a service that the caller may not read is refused', async () => {
    expect((await registry.ask('/rollcall/v1/instances?service=web', as(await registry.tokenWith('service "db" { policy = "read" }')))).status).toBe(403);
  });
});
