/** Routes of services over xDS: what a stream gets when one is set, and in which order. */

import type { Route } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import type { Server } from '../../server.ts';
import { portsOf, register, XdsClient, xdsServer, type Response } from './client.case.ts';

function put({ registry }: Server, route: Route): Promise<unknown> {
  return registry.submit({ kind: 'route-set', namespace: 'default', service: 'orders', route });
}

const canary: Route = { canary: { select: { version: '2' }, share: 0.25 } };

async function twoVersions(): Promise<Server> {
  const server = await xdsServer();
  await register(server, 'orders', 'a', { port: 1, meta: { version: '1' } });
  await register(server, 'orders', 'b', { port: 2, meta: { version: '2' } });
  return server;
}

interface Rules {
  readonly virtual_hosts: readonly { readonly routes: readonly { readonly route: { readonly cluster?: string; readonly weighted_clusters?: { readonly clusters: readonly { readonly name: string }[] } } }[] }[];
}

/** Clusters that the routes of a response name. */
function clustersIn({ messages }: Response): readonly string[] {
  const { virtual_hosts } = messages.get('orders') as Rules;
  return virtual_hosts.flatMap(({ routes }) => routes.flatMap(({ route }) => (route.weighted_clusters ?? undefined)?.clusters.map(({ name }) => name) ?? [route.cluster ?? '']));
}

test('a canary has a cluster of its own, and the rest another one', async () => {
  const server = await twoVersions();
  await put(server, canary);
  const client = new XdsClient(server);
  client.ask('route', ['orders']);
  expect(clustersIn(await client.take())).toEqual(['orders~canary', 'orders~stable']);
  client.ask('endpoints', ['orders', 'orders~canary', 'orders~stable']);
  const endpoints = await client.take();
  expect(['orders', 'orders~canary', 'orders~stable'].map((name) => portsOf(endpoints, name))).toEqual([[1, 2], [2], [1]]);
  await put(server, {});
  // Until the client has taken over the route, its clusters have instances.
  const after = [await client.take(), await client.take()];
  expect(after.map(({ type }) => type)).toEqual(['endpoints', 'route']);
  expect(portsOf(after[0] as Response, 'orders~canary')).toEqual([1, 2]);
  expect(clustersIn(after[1] as Response)).toEqual(['orders']);
});

test('a canary whose last instance drains gets no share any more', async () => {
  const server = await twoVersions();
  await put(server, canary);
  const client = new XdsClient(server);
  client.ask('route', ['orders']);
  await client.take();
  await register(server, 'orders', 'b', { port: 2, meta: { version: '2' }, status: 'draining' });
  expect(clustersIn(await client.take())).toEqual(['orders']);
});

test('selected instances are used, weights have factors', async () => {
  const server = await twoVersions();
  const client = new XdsClient(server);
  client.ask('endpoints', ['orders']);
  await client.take();
  await put(server, { select: { version: '1' } });
  expect(portsOf(await client.take(), 'orders')).toEqual([1]);
});

describe('a subset', () => {
  const ready = async (count: number) => {
    const server = await xdsServer();
    for (let port = 1; port <= count; port++) await register(server, 'orders', `i${port}`, { port });
    return server;
  };
  const follow = async (server: Server, node: object, variant: 'sotw' | 'delta' = 'sotw') => {
    const client = new XdsClient(server, { variant, node });
    if (variant === 'sotw') client.ask('endpoints', ['orders']);
    else client.change('endpoints', ['orders']);
    const ports = async () => [...(portsOf(await client.take(), 'orders') ?? [])].sort((a, b) => a - b);
    return { client, ports, first: await ports() };
  };

  test.each(['sotw', 'delta'] as const)('is followed live by each client, and evenly by those with numbers, %s', async (variant) => {
    const server = await ready(12);
    const clients = await Promise.all(Array.from({ length: 10 }, async (_, ordinal) => follow(server, { id: 'edge', metadata: { fields: { ordinal: { number_value: ordinal } } } }, variant)));
    for (const { first } of clients) expect(first).toHaveLength(12);
    await put(server, { subset: { size: 6 } });
    const chosen = await Promise.all(clients.map(async ({ ports }) => ports()));
    expect(chosen.map(({ length }) => length)).toEqual(clients.map(() => 6));
    const counts = Array.from({ length: 12 }, (_, at) => chosen.filter((ports) => ports.includes(at + 1)).length);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([5, 5]);
    await put(server, { subset: { size: 12 } });
    for (const { ports } of clients) expect(await ports()).toHaveLength(12);
  });

  test('is the same after a client has connected again, to this server or another one', async () => {
    const [one, other] = [await ready(9), await ready(9)];
    await put(one, { subset: { size: 3 } });
    await put(other, { subset: { size: 3 } });
    const { client, first } = await follow(one, { id: 'edge-7' });
    client.close();
    expect([(await follow(one, { id: 'edge-7' })).first, (await follow(other, { id: 'edge-7' })).first]).toEqual([first, first]);
    expect(first).toHaveLength(3);
  });

  test('changes for the clients that use an instance which comes or goes, and the others hear nothing', async () => {
    const server = await ready(9);
    await put(server, { subset: { size: 3 } });
    const clients = await Promise.all(Array.from({ length: 10 }, async (_, ordinal) => follow(server, { metadata: { fields: { ordinal: { string_value: `${ordinal}` } } } })));
    await register(server, 'orders', 'i1', { port: 1, status: 'draining' });
    const [users, others] = [clients.filter(({ first }) => first.includes(1)), clients.filter(({ first }) => !first.includes(1))];
    expect([users.length > 0, others.length > 0]).toEqual([true, true]);
    for (const { first, ports } of users) {
      const now = await ports();
      expect([now.includes(1), now.filter((port) => !first.includes(port)).length]).toEqual([false, 1]);
    }
    // The next thing that the others hear is this, which all hear: the one that drains is no healthy endpoint.
    await put(server, { subset: { size: 9 } });
    for (const { ports } of others) expect(await ports()).toHaveLength(8);
  });

  test('of a client that shows no number is refused with the reason', async () => {
    const client = new XdsClient(await ready(1), { node: { metadata: { fields: { ordinal: { string_value: 'x' } } } } });
    client.ask('endpoints', ['orders']);
    expect((await client.ended).details).toContain('the metadata of the node has the ordinal "x"');
  });
});

describe.each(['sotw', 'delta'] as const)('a proxy, %s', (variant) => {
  test('gets new clusters and their endpoints before the route that names them, and loses them after it', async () => {
    const server = await twoVersions();
    const client = new XdsClient(server, { variant });
    const order: string[] = [];
    const known = new Set<string>();
    const take = async () => {
      const response = await client.next();
      const { type, names, removed } = response;
      if (type === 'route') order.push(`route to ${clustersIn(response).join(' and ')}`);
      else order.push(`${type} ${[...names, ...removed.map((name) => `-${name}`)].sort().join(' ')}`);
      client.ack(response);
      if (type !== 'cluster') return;
      // A proxy asks for the endpoints of each cluster that it gets.
      const fresh = names.filter((name) => !known.has(name));
      for (const name of fresh) known.add(name);
      if (variant === 'delta') {
        for (const name of removed) known.delete(name);
        if (fresh.length > 0) client.change('endpoints', fresh);
        if (removed.length > 0) client.change('endpoints', [], removed);
      } else {
        for (const name of known) if (!names.includes(name)) known.delete(name);
        client.ask('endpoints', [...known]);
      }
    };
    if (variant === 'sotw') client.ask('cluster', []);
    else client.change('cluster', []);
    await take();
    await take();
    if (variant === 'sotw') client.ask('route', ['orders']);
    else client.change('route', ['orders']);
    await take();
    order.length = 0;
    await put(server, canary);
    while (!order.some((line) => line.startsWith('route'))) await take();
    expect(order.at(-1)).toBe('route to orders~canary and orders~stable');
    expect(order.slice(0, -1).map((line) => line.split(' ')[0])).toEqual(expect.arrayContaining(['cluster', 'endpoints']));
    expect(order.indexOf('route to orders~canary and orders~stable')).toBeGreaterThan(order.findLastIndex((line) => line.includes('endpoints') && line.includes('~canary')));
    order.length = 0;
    // The cluster that stays changes as well.
    await put(server, { requestsMax: 5 });
    const removal = variant === 'sotw' ? 'cluster orders' : 'cluster -orders~canary -orders~stable';
    while (!order.includes(removal)) await take();
    expect(order.filter((line) => line.startsWith('route'))).toEqual(['route to orders']);
    expect(order.indexOf(removal)).toBeGreaterThan(order.indexOf('route to orders'));
  });
});
