/** Streams of nodes that share a store: the frames of a node that is behind, or has lost the store. */

import { describe, expect, test } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import { heldServers } from '../../held-servers.case.ts';
import { turnsUntil } from '../../turns-until.case.ts';
import { SocketClient, type Told } from './socket-client.case.ts';

const freshness = ({ type }: Told) => type === 'freshness';
const hello = { type: 'hello', protocol: 1, client: 'test' };

describe('a node that no longer follows its store', () => {
  test('changes no status when clients leave it: their instances stay unchanged for the grace', async () => {
    const { held, one, other, clock } = await heldServers();
    const session = { id: '3f0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c11', token: '0c6a1f7e-5b7f-4a55-9b3b-2f1a8b1f0d9e' };
    const client = await SocketClient.greeted(one.url, { session });
    await client.ask({ type: 'register', instances: [{ id: 'web-1', service: 'web', port: 1 }] });
    held.unreachable = true;
    held.cut(new RegistryError('unavailable', 'the connection was reset'));
    await client.take(freshness);
    client.webSocket.terminate();
    await client.ended;
    for (let turn = 0; turn < 100; turn++) await new Promise((next) => setImmediate(next));
    const told: number[] = [];
    const look = async (): Promise<void> => {
      const answer = await fetch(`${other.url}/v1/health/service/web?passing`);
      told.push(((await answer.json()) as unknown[]).length);
    };
    held.unreachable = false;
    await turnsUntil(() => one.registry.staleMs === 0, () => clock.advance(100));
    for (let round = 0; round < 20; round++) {
      clock.advance(100);
      await look();
    }
    expect(new Set(told)).toEqual(new Set([1]));
  });

  test('tells every open stream, and later ones in their welcome, and again when it follows', async () => {
    const { held, one, clock } = await heldServers();
    const early = await Promise.all([1, 2, 3].map(() => SocketClient.greeted(one.url)));
    const silent = await SocketClient.open(one.url);
    held.unreachable = true;
    held.cut(new RegistryError('unavailable', 'the connection was reset'));
    for (const client of early) {
      expect(await client.take(freshness)).toEqual({ type: 'freshness', staleMs: expect.any(Number) as number });
    }
    clock.advance(2_000);
    const late = await SocketClient.open(one.url);
    const welcome = await late.ask(hello);
    expect(welcome).toMatchObject({ type: 'welcome' });
    expect(welcome['staleMs']).toBeGreaterThanOrEqual(2_000);
    held.unreachable = false;
    await turnsUntil(() => one.registry.staleMs === 0, () => clock.advance(100));
    for (const client of [...early, late]) expect(await client.take(freshness)).toEqual({ type: 'freshness', staleMs: 0 });
    const greeting = await silent.ask(hello);
    expect(greeting['staleMs']).toBeUndefined();
    // A stream is told nothing before its welcome.
    expect(silent.inbox).toEqual([]);
    for (const client of [...early, late, silent]) client.webSocket.terminate();
  });

  test('still answers reads, and refuses writes as not written', async () => {
    const { held, one } = await heldServers();
    const client = await SocketClient.greeted(one.url);
    await client.ask({ type: 'kv-put', key: 'k', value: 'dg==' });
    held.unreachable = true;
    held.cut();
    await client.take(freshness);
    expect(await client.ask({ type: 'get', view: { kind: 'key', name: 'k' } })).toMatchObject({ type: 'snapshot', items: [{ value: 'dg==' }] });
    expect(await client.ask({ type: 'kv-put', key: 'k', value: 'dw==' })).toMatchObject({ type: 'error', code: 'unavailable' });
    client.webSocket.terminate();
  });
});

describe('a node that is behind another one', () => {
  async function moved() {
    const nodes = await heldServers();
    const before = await SocketClient.open(nodes.other.url);
    const { registry } = (await before.ask(hello)) as Told & { registry: string };
    nodes.held.hold();
    const done = await before.ask({ type: 'kv-put', key: 'k', value: 'bmV3' });
    before.webSocket.terminate();
    const client = await SocketClient.open(nodes.one.url);
    return { ...nodes, client, registry, revision: done['revision'] as number };
  }

  test('sends the welcome to a client that has seen more only after it has caught up', async () => {
    const { held, client, registry, revision } = await moved();
    const welcome = client.ask({ ...hello, seen: { registry, revision } });
    expect(await client.ask({ type: 'unwatch', views: [] })).toMatchObject({ type: 'error', code: 'failed_precondition' });
    expect(await client.ask(hello)).toMatchObject({ type: 'error', message: 'this stream has had its hello' });
    held.go();
    expect(await welcome).toMatchObject({ type: 'welcome' });
    expect(await client.ask({ type: 'get', view: { kind: 'key', name: 'k' } })).toMatchObject({ items: [{ value: 'bmV3' }] });
    client.webSocket.terminate();
  });

  test('sends such a client elsewhere after 3 seconds; the client may send hello again', async () => {
    const { held, client, registry, revision, clock } = await moved();
    const refused = client.ask({ ...hello, seen: { registry, revision } });
    // Each request is a sign of life.
    for (let elapsed = 0; elapsed < 3_000; elapsed += 250) {
      await client.ask({ type: 'unwatch', views: [] });
      clock.advance(250);
    }
    expect(await refused).toMatchObject({ type: 'error', code: 'unavailable' });
    held.go();
    expect(await client.ask({ ...hello, seen: { registry, revision } })).toMatchObject({ type: 'welcome' });
    client.webSocket.terminate();
  });

  test('welcomes a client at once that has seen another store, or a revision that the store has not reached', async () => {
    const { held, client, one, registry, revision } = await moved();
    expect(await client.ask({ ...hello, seen: { registry: 'another', revision: revision + 1_000 } })).toMatchObject({ type: 'welcome' });
    held.go();
    const next = await SocketClient.open(one.url);
    expect(await next.ask({ ...hello, seen: { registry, revision: revision + 1_000 } })).toMatchObject({ type: 'welcome' });
    for (const each of [client, next]) each.webSocket.terminate();
  });
});
