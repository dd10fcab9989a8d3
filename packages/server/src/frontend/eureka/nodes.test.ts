/** Several nodes of one store, as a client of Eureka uses them: any of them takes any request, at once after another one. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../engine/engine.ts';
import { memory } from '../../engine/memory/memory.ts';
import { Eureka } from './eureka.case.ts';

const store = memory();
const engine: Engine = { ...store, exclusive: false, close: () => Promise.resolve() };
let nodes: Eureka[];
beforeAll(async () => {
  nodes = [];
  for (const nodeName of ['s1', 's2', 's3']) nodes.push(await Eureka.start({ engine, nodeName, frontends: ['eureka', 'peer'] }));
});
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await store.close();
});

const at = (index: number) => nodes[index % 3] as Eureka;

test('a heartbeat, a read and a removal find what another node has just taken', async () => {
  for (let round = 0; round < 30; round++) {
    const id = `i${round}`;
    const path = `/eureka/apps/WEB/${id}`;
    expect((await at(round).register({ instanceId: id })).status).toBe(204);
    expect((await at(round + 1).ask('PUT', path)).status).toBe(200);
    expect((await at(round + 2).ask('PUT', `${path}/status?value=OUT_OF_SERVICE`)).status).toBe(200);
    expect(await at(round).instance('WEB', id)).toMatchObject({ status: 'OUT_OF_SERVICE' });
    expect((await at(round + 1).ask('DELETE', path)).status).toBe(200);
    expect((await at(round + 2).ask('GET', path)).status).toBe(404);
  }
});

test('of two registrations at once the one with the newer time stays, on every node', async () => {
  for (let round = 0; round < 20; round++) {
    const all = [0, 1, 2].map((node) => at(round + node).register({ instanceId: 'race', lastDirtyTimestamp: 1_000 + 10 * round + node, metadata: { by: `${node}` } }));
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(await at(round).instance('WEB', 'race')).toMatchObject({ metadata: { by: '2' }, lastDirtyTimestamp: String(1_002 + 10 * round) });
  }
});

test('lists and hashes are the same on all of them', async () => {
  await at(0).register({ instanceId: 'same' });
  const lists = await Promise.all([0, 1, 2].map((node) => at(node).ask('GET', '/eureka/apps', { headers: { accept: 'application/json' } })));
  expect(new Set(lists.map(({ text }) => text.replace(/"versions__delta":"\d+"/, ''))).size).toBe(1);
});
