import { expect, test } from 'vitest';
import { request } from 'undici';
import type { Engine } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { createServer, type ServerOptions } from './server.ts';

/** A store that exists longer than the servers on it. */
function store(exclusive: boolean): Engine {
  return { ...memory(), exclusive, close: () => Promise.resolve() };
}

async function idsOf(engine: Engine, options: ServerOptions = {}): Promise<{ registryId: string; nodeId: string }> {
  await using server = await createServer({ http: { port: 0 }, ...options, engine });
  const { body } = await request(`${server.url}/rollcall/v1/status`);
  const { registryId, nodeId } = (await body.json()) as { registryId: string; nodeId: string };
  return { registryId, nodeId };
}

const other = '33333333-3333-4333-8333-333333333333';

test('the only node of a store has the id of the store, which stays the same', async () => {
  const engine = store(true);
  const first = await idsOf(engine);
  expect(first.nodeId).toBe(first.registryId);
  expect(await idsOf(engine)).toEqual(first);
  expect(await idsOf(engine, { nodeName: 'renamed' })).toEqual(first);
});

test('an option with a node id sets the id of the node, not of the store', async () => {
  const engine = store(true);
  const { registryId } = await idsOf(engine);
  expect(await idsOf(engine, { nodeId: other, nodeName: 'second' })).toEqual({ registryId, nodeId: other });
});

test('nodes on one store share its id, and each has its own node id', async () => {
  const engine = store(false);
  const [a, b] = [await idsOf(engine, { nodeName: 'a' }), await idsOf(engine, { nodeName: 'b' })];
  expect(b.registryId).toBe(a.registryId);
  expect(new Set([a.nodeId, b.nodeId, a.registryId]).size).toBe(3);
  expect(await idsOf(engine, { nodeName: 'a' })).toEqual(a);
});

test('nodes that start at the same time on an empty store agree on its id', async () => {
  const engine = store(false);
  const all = await Promise.all(['a', 'b', 'c'].map((nodeName) => idsOf(engine, { nodeName })));
  expect(new Set(all.map(({ registryId }) => registryId)).size).toBe(1);
  expect(new Set(all.map(({ nodeId }) => nodeId)).size).toBe(3);
});

test('a store of an older version, with only a node id, uses it as its id', async () => {
  const engine = store(true);
  {
    await using server = await createServer({ http: { port: 0 }, engine });
    await server.registry.submit({ kind: 'record-put', namespace: '', type: 'server', id: 'identity', value: { nodeId: other } });
  }
  expect(await idsOf(engine, { nodeName: 'after' })).toEqual({ registryId: other, nodeId: other });
});

test('a node keeps the id that it is registered with when its store is shared from now on, or is its own again', async () => {
  const engine = store(true);
  const alone = await idsOf(engine, { nodeName: 'a' });
  await registerOn(engine, 'a');
  const shared: Engine = { ...engine, exclusive: false };
  expect(await idsOf(shared, { nodeName: 'a' })).toEqual(alone);
  const second = await idsOf(shared, { nodeName: 'b' });
  expect(second.nodeId).not.toBe(alone.nodeId);
  expect(await idsOf(engine, { nodeName: 'b' })).toEqual(second);
});

/** Registers a service on the server's own node, which writes the node with its id. */
async function registerOn(engine: Engine, nodeName: string): Promise<void> {
  await using server = await createServer({ http: { port: 0 }, nodeName, engine });
  const { statusCode } = await request(`${server.url}/v1/agent/service/register`, { method: 'PUT', body: '{"Name":"web"}' });
  expect(statusCode).toBe(200);
}
