/** Who may see what over xDS: the matrix of callers and methods, and changes of rights while a stream is open. */

import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import type { Server, ServerOptions } from '../../server.ts';
import { portsOf, register, XdsClient, xdsServer, type ClientOptions, type Response } from './client.case.ts';
import { xdsMethods } from './xds.ts';

async function guarded(options: ServerOptions = {}): Promise<{ server: Server; grants: Grantor }> {
  const server = await xdsServer({ acl: { initialManagement: management }, ...options });
  const grants = grantor(server.registry);
  onTestFinished(() => grants.close());
  await register(server, 'orders', 'a', { port: 1 });
  await register(server, 'stock', 'b', { port: 2 });
  await server.registry.submit({ kind: 'namespace-put', name: 'team-a', description: '' } as never);
  await register(server, 'orders', 'c', { port: 3, namespace: 'team-a' });
  return { server, grants };
}

const reads = (service: string) => `service "${service}" { policy = "read" }`;
const bearer = (secret: string): ClientOptions => ({ headers: { authorization: `Bearer ${secret}` } });

/** Names of the clusters that a client gets, and the ports of both services. */
async function seen(server: Server, variant: 'sotw' | 'delta', options: ClientOptions): Promise<{ clusters: readonly string[]; ports: object }> {
  const client = new XdsClient(server, { variant, ...options });
  const names = ['orders', 'stock', 'orders.team-a.ns'];
  const ask = (type: 'cluster' | 'endpoints', wanted: readonly string[]) => (variant === 'sotw' ? client.ask(type, wanted) : client.change(type, wanted));
  ask('cluster', []);
  const { names: clusters } = await client.take();
  ask('endpoints', names);
  const found = new Map<string, readonly number[]>();
  while (found.size < names.length) {
    const response: Response = await client.take();
    for (const name of response.names) found.set(name, portsOf(response, name) ?? []);
  }
  client.close();
  return { clusters, ports: Object.fromEntries(found) };
}

describe.each(['sotw', 'delta'] as const)('%s', (variant) => {
  test.each<[string, string, { clusters: readonly string[]; ports: object }]>([
    ['management', '', { clusters: ['orders', 'stock'], ports: { orders: [1], stock: [2], 'orders.team-a.ns': [3] } }],
    ['a token for one service', reads('orders'), { clusters: ['orders'], ports: { orders: [1], stock: [], 'orders.team-a.ns': [] } }],
    ['a token for another namespace', `namespace "team-a" { ${reads('orders')} }`, { clusters: [], ports: { orders: [], stock: [], 'orders.team-a.ns': [3] } }],
    ['a token for nothing', 'key "a" { policy = "read" }', { clusters: [], ports: { orders: [], stock: [], 'orders.team-a.ns': [] } }],
    ['a token with a denial', `service_prefix "" { policy = "read" } service "stock" { policy = "deny" }`, { clusters: ['orders'], ports: { orders: [1], stock: [], 'orders.team-a.ns': [] } }],
  ])('%s sees its services, and others as if they did not exist', async (_who, rules, wanted) => {
    const { server, grants } = await guarded();
    const secret = rules === '' ? management : (await grants.token(rules)).secret;
    expect(await seen(server, variant, bearer(secret))).toEqual(wanted);
  });

  test('a token may be in x-consul-token, or in the metadata of the node, where clients of gRPC can write it', async () => {
    const { server, grants } = await guarded();
    const { secret } = await grants.token(reads('orders'));
    const wanted = { clusters: ['orders'], ports: { orders: [1], stock: [], 'orders.team-a.ns': [] } };
    expect(await seen(server, variant, { headers: { 'x-consul-token': secret } })).toEqual(wanted);
    expect(await seen(server, variant, { node: { metadata: { fields: { token: { string_value: secret } } } } })).toEqual(wanted);
  });

  test('without a token, a caller sees what all callers may', async () => {
    const { server, grants } = await guarded();
    await grants.allCallers(reads('stock'));
    expect((await seen(server, variant, {})).clusters).toEqual(['stock']);
  });

  test('a wrong token ends the stream', async () => {
    const { server } = await guarded();
    const client = new XdsClient(server, { variant, ...bearer('wrong') });
    if (variant === 'sotw') client.ask('cluster', []);
    else client.change('cluster', []);
    expect(await client.ended).toMatchObject({ code: status.UNAUTHENTICATED });
  });
});

test('every method of the front end is in this matrix', () => {
  expect(xdsMethods.map(({ name }) => name)).toEqual(['StreamAggregatedResources', 'DeltaAggregatedResources', 'StreamLoadStats']);
});

describe('while a stream is open', () => {
  test('a right that is lost removes the service, one that is given adds it', async () => {
    const { server, grants } = await guarded();
    const token = await grants.token(reads('orders'));
    const client = new XdsClient(server, bearer(token.secret));
    client.ask('cluster', []);
    client.ask('endpoints', ['orders']);
    await client.take();
    expect(portsOf(await client.take(), 'orders')).toEqual([1]);
    await grants.change(token, reads('stock'));
    const after = [await client.take(), await client.take(), await client.take()];
    // The new cluster comes first, and the old one goes when routes could have followed.
    expect(after.filter(({ type }) => type === 'cluster').map(({ names }) => names)).toEqual([['stock', 'orders'], ['stock']]);
    expect(after.filter(({ type }) => type === 'endpoints').map((response) => portsOf(response, 'orders'))).toEqual([[]]);
  });

  test('a token that is revoked ends it', async () => {
    const { server, grants } = await guarded();
    const token = await grants.token(reads('orders'));
    const client = new XdsClient(server, bearer(token.secret));
    client.ask('cluster', ['orders']);
    await client.take();
    await grants.revoke(token);
    expect(await client.ended).toMatchObject({ code: status.UNAUTHENTICATED });
    await expect.poll(() => server.registry.views.watching).toBe(0);
  });

  test('a namespace that the caller may not know looks as if it did not exist', async () => {
    const { server, grants } = await guarded();
    const { secret } = await grants.token(reads('orders'));
    const there = { metadata: { fields: { namespace: { string_value: 'team-a' } } } };
    const missing = { metadata: { fields: { namespace: { string_value: 'team-x' } } } };
    for (const node of [there, missing]) {
      const client = new XdsClient(server, { ...bearer(secret), node });
      client.ask('cluster', []);
      expect((await client.take()).names).toEqual([]);
    }
  });
});
