/** Streams of a real server: what a client gets of services, in which order, and what it is never told. */

import { status } from '@grpc/grpc-js';
import { RegistryError } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import { heldServers } from '../../held-servers.case.ts';
import { turnsUntil } from '../../turns-until.case.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { memory } from '../../engine/memory/memory.ts';
import { deregister, portsOf, register, XdsClient, xdsServer } from './client.case.ts';

describe('a service', () => {
  test('is a listener, routes, a cluster and endpoints of one name', async () => {
    const server = await xdsServer();
    await register(server, 'orders', 'a', { port: 1 });
    const client = new XdsClient(server);
    for (const type of ['listener', 'route', 'cluster'] as const) {
      client.ask(type, ['orders']);
      expect(await client.take()).toMatchObject({ type, names: ['orders'] });
    }
    client.ask('endpoints', ['orders']);
    expect(portsOf(await client.take(), 'orders')).toEqual([1]);
  });

  test.each(['sotw', 'delta'] as const)('%s: its endpoints are followed', async (variant) => {
    const server = await xdsServer();
    await register(server, 'orders', 'a', { port: 1 });
    const client = new XdsClient(server, { variant });
    if (variant === 'sotw') client.ask('endpoints', ['orders']);
    else client.change('endpoints', ['orders']);
    expect(portsOf(await client.take(), 'orders')).toEqual([1]);
    await register(server, 'orders', 'b', { port: 2 });
    expect(portsOf(await client.take(), 'orders')).toEqual([1, 2]);
    await register(server, 'orders', 'a', { port: 1, status: 'draining' });
    expect(portsOf(await client.take(), 'orders')).toEqual([2]);
    await deregister(server, 'b');
    await deregister(server, 'a');
    let last = await client.take();
    while (portsOf(last, 'orders')?.length !== 0) last = await client.take();
  });

  test('that does not exist has a listener and a cluster for a client that asks for it, and gets endpoints when it exists', async () => {
    const server = await xdsServer();
    const client = new XdsClient(server);
    for (const type of ['listener', 'route', 'cluster'] as const) {
      client.ask(type, ['orders']);
      expect(await client.take()).toMatchObject({ type, names: ['orders'] });
    }
    client.ask('endpoints', ['orders']);
    expect(portsOf(await client.take(), 'orders')).toEqual([]);
    await register(server, 'orders', 'a', { port: 1 });
    expect(portsOf(await client.take(), 'orders')).toEqual([1]);
  });

  test('that is gone is left out of the list of all clusters, and its endpoints are none', async () => {
    const server = await xdsServer();
    await register(server, 'orders', 'a');
    await register(server, 'stock', 'b');
    const client = new XdsClient(server);
    client.ask('cluster', []);
    expect((await client.take()).names).toEqual(['orders', 'stock']);
    client.ask('endpoints', ['orders']);
    await client.take();
    await deregister(server, 'a');
    const after = [await client.take(), await client.take()];
    expect(after.find(({ type }) => type === 'cluster')?.names).toEqual(['stock']);
    expect(portsOf(after.find(({ type }) => type === 'endpoints') as (typeof after)[0], 'orders')).toEqual([]);
  });

  test('with a record and no instance is a cluster without endpoints', async () => {
    const server = await xdsServer();
    await server.registry.submit({ kind: 'service-put', namespace: 'default', name: 'orders' });
    const client = new XdsClient(server);
    client.ask('cluster', []);
    expect((await client.take()).names).toEqual(['orders']);
    client.ask('endpoints', ['orders']);
    expect(portsOf(await client.take(), 'orders')).toEqual([]);
  });

  test('that comes back brings its endpoints again, although they are those that the client had (go-control-plane 583)', async () => {
    const server = await xdsServer();
    await register(server, 'stock', 'b');
    await register(server, 'orders', 'a', { port: 1 });
    const client = new XdsClient(server);
    client.ask('cluster', []);
    await client.take();
    client.ask('endpoints', ['orders']);
    await client.take();
    // A client that keeps its subscription meanwhile, as one does that reads slowly.
    await deregister(server, 'a');
    await client.take();
    await client.take();
    await register(server, 'orders', 'a', { port: 1 });
    const back = [await client.take(), await client.take()];
    expect(back.map(({ type }) => type)).toEqual(['cluster', 'endpoints']);
    expect(portsOf(back[1] as (typeof back)[0], 'orders')).toEqual([1]);
  });

  test('without an instance for it, a client that waits for endpoints gets none, so that it need not wait (java-control-plane 127)', async () => {
    const server = await xdsServer();
    for (const variant of ['sotw', 'delta'] as const) {
      const client = new XdsClient(server, { variant });
      if (variant === 'sotw') client.ask('endpoints', ['gone'], { version_info: 'other.12' });
      else client.change('endpoints', ['gone']);
      if (variant === 'delta') expect(portsOf(await client.take(), 'gone')).toEqual([]);
      else client.close();
    }
  });

  test('in another namespace has the namespace behind its name', async () => {
    const server = await xdsServer();
    await server.registry.submit({ kind: 'namespace-put', name: 'team-a', description: '' } as never);
    await register(server, 'orders', 'a', { port: 1 });
    await register(server, 'orders', 'b', { port: 2, namespace: 'team-a' });
    const client = new XdsClient(server);
    client.ask('endpoints', ['orders', 'orders.team-a.ns']);
    const both = await client.take();
    expect([portsOf(both, 'orders'), portsOf(both, 'orders.team-a.ns')]).toEqual([[1], [2]]);
    const there = new XdsClient(server, { node: { metadata: { fields: { namespace: { string_value: 'team-a' } } } } });
    there.ask('endpoints', ['orders', 'orders.default.ns']);
    const other = await there.take();
    expect([portsOf(other, 'orders'), portsOf(other, 'orders.default.ns')]).toEqual([[2], [1]]);
  });
});

describe('a proxy', () => {
  test('gets all clusters, no listener, and an answer to each of the two', async () => {
    const server = await xdsServer();
    for (const service of ['a', 'b']) await register(server, service, service);
    const client = new XdsClient(server, { variant: 'delta' });
    client.change('listener', []);
    expect(await client.take()).toMatchObject({ type: 'listener', names: [] });
    client.change('cluster', []);
    expect((await client.take()).names).toEqual(['a', 'b']);
    await register(server, 'c', 'c');
    expect((await client.take()).names).toEqual(['c']);
    await deregister(server, 'a');
    expect(await client.take()).toMatchObject({ names: [], removed: ['a'] });
  });

  test('that connects again with what it has gets what it has missed', async () => {
    const server = await xdsServer();
    for (const service of ['a', 'b']) await register(server, service, service);
    const first = new XdsClient(server, { variant: 'delta' });
    first.change('cluster', []);
    const { version } = await first.take();
    expect(version).toMatch(/^[0-9a-f]{8}\.\d+$/);
    first.close();
    const again = new XdsClient(server, { variant: 'delta' });
    again.change('cluster', ['*'], [], { initial_resource_versions: { a: 'of long ago', gone: '1' } });
    // Removals come last.
    expect([await again.take(), await again.take()]).toMatchObject([{ names: ['a', 'b'], removed: [] }, { names: [], removed: ['gone'] }]);
  });
});

describe('a node that does not know', () => {
  const options = { grpc: {}, frontends: ['stream', 'xds', 'peer'] } as const;

  test('says that a service does not exist only when it follows its store', async () => {
    const { held, one, clock } = await heldServers(options);
    await register(one, 'orders', 'a', { port: 1 });
    held.unreachable = true;
    held.cut(new RegistryError('unavailable', 'the connection was reset'));
    await turnsUntil(() => one.registry.staleMs > 0);
    const client = new XdsClient(one);
    client.ask('endpoints', ['orders', 'missing']);
    const known = await client.take();
    expect([portsOf(known, 'orders'), portsOf(known, 'missing')]).toEqual([[1], undefined]);
    held.unreachable = false;
    await turnsUntil(() => one.registry.staleMs === 0, () => clock.advance(100));
    expect(portsOf(await client.take(), 'missing')).toEqual([]);
  });

  test('does not list clusters to a client that may know more', async () => {
    const { held, one, clock } = await heldServers(options);
    await register(one, 'orders', 'a');
    held.unreachable = true;
    held.cut(new RegistryError('unavailable', 'the connection was reset'));
    await turnsUntil(() => one.registry.staleMs > 0);
    const fresh = new XdsClient(one);
    fresh.ask('cluster', []);
    const { names, version } = await fresh.take();
    expect(names).toEqual(['orders']);
    const known = new XdsClient(one);
    known.ask('cluster', [], { version_info: version });
    known.ask('endpoints', ['orders']);
    // Its endpoints are told, and nothing else.
    expect((await known.take()).type).toBe('endpoints');
    expect(known.waiting).toEqual([]);
    held.unreachable = false;
    await turnsUntil(() => one.registry.staleMs === 0, () => clock.advance(100));
    expect(await known.take()).toMatchObject({ type: 'cluster', names: ['orders'] });
  });

  test('gives the services of a store that has lost its memory a while to register again', async () => {
    const clock = manualClock();
    const server = await xdsServer({ clock, engine: memory() });
    const client = new XdsClient(server);
    client.ask('endpoints', ['orders'], { version_info: '00000000.7' });
    await register(server, 'other', 'b');
    const probe = new XdsClient(server);
    probe.ask('cluster', ['other']);
    await probe.take();
    expect(client.waiting).toEqual([]);
    for (let second = 0; second < 31; second++) clock.advance(1_000);
    expect(portsOf(await client.take(), 'orders')).toEqual([]);
  });
});

describe('limits', () => {
  test.each<[string, (client: XdsClient) => void, number]>([
    ['what is no message', (client) => client.sendBytes(Buffer.from([0xff, 0xff, 0xff])), status.INVALID_ARGUMENT],
    ['a first request without a node', (client) => client.sendBytes(Buffer.alloc(0)), status.INVALID_ARGUMENT],
    ['a long name', (client) => client.ask('cluster', ['x'.repeat(1_025)]), status.INVALID_ARGUMENT],
    ['many names', (client) => client.ask('cluster', Array.from({ length: 11 }, (_, at) => `s${at}`)), status.RESOURCE_EXHAUSTED],
  ])('%s ends the stream with an error', async (_what, send, code) => {
    const server = await xdsServer({ limits: { watchesPerStreamMax: 10 } });
    const client = new XdsClient(server);
    send(client);
    expect(await client.ended).toMatchObject({ code });
  });

  test('a type that this server does not have is not answered, and harms nothing', async () => {
    const server = await xdsServer();
    await register(server, 'orders', 'a');
    const client = new XdsClient(server);
    client.send({ type_url: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret', resource_names: ['x'] });
    client.ask('cluster', ['orders']);
    expect((await client.take()).names).toEqual(['orders']);
  });

  test('a client that does not answer costs one response, however often its service changes', async () => {
    const server = await xdsServer();
    await register(server, 'orders', 'a', { port: 1 });
    const silent = new XdsClient(server);
    silent.ask('endpoints', ['orders']);
    const first = await silent.next();
    const other = new XdsClient(server);
    other.ask('endpoints', ['orders']);
    await other.take();
    for (const port of [2, 3, 4]) {
      await register(server, 'orders', 'a', { port });
      while (portsOf(await other.take(), 'orders')?.[0] !== port);
    }
    expect(silent.waiting).toEqual([]);
    silent.ack(first);
    expect(portsOf(await silent.next(), 'orders')).toEqual([4]);
  });
});

test('a response that a client refuses is counted, and a change is sent all the same', async () => {
  const server = await xdsServer();
  await register(server, 'orders', 'a', { port: 1 });
  const client = new XdsClient(server);
  client.ask('endpoints', ['orders']);
  client.ack(await client.next(), 'I do not like it');
  await register(server, 'orders', 'a', { port: 2 });
  expect(portsOf(await client.take(), 'orders')).toEqual([2]);
  const page = await server.metrics.registry.metrics();
  expect(page).toContain('rollcall_xds_refused_total{type="endpoints"} 1');
  expect(page).toContain('rollcall_xds_streams 1');
});

test('streams end without an error when the server closes, and their feeds with them', async () => {
  const server = await xdsServer();
  const client = new XdsClient(server);
  client.ask('endpoints', ['orders']);
  await client.take();
  expect(server.registry.views.watching).toBeGreaterThan(0);
  client.close();
  await expect.poll(() => server.registry.views.watching).toBe(0);
  const other = new XdsClient(server);
  other.ask('cluster', []);
  await other.take();
  await server.close();
  expect((await other.ended).code).toBe(status.OK);
});
