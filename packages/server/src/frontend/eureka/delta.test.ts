/**
 * Clients that go on with deltas: after each of them their copy of the registry fits the hash, for every change of instances, on every
 * node that they ask, and across restarts. The client is Netflix' `DiscoveryClient`: it applies the delta, counts, and fetches everything
 * when the hash differs.
 */

import { describe, expect, test } from 'vitest';
import type { Engine } from '../../engine/engine.ts';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock, pass } from '../../manual-clock.case.ts';
import { Eureka, type Applications, type Shown } from './eureka.case.ts';

/** Numbers from 0 up to, but not including, `below`, the same for a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

class DeltaClient {
  forced = 0;
  readonly #instances = new Map<string, Shown>();

  async fetchAll(from: Eureka): Promise<void> {
    this.#instances.clear();
    const all = await from.apps('/eureka/apps/');
    for (const each of instancesIn(all)) this.#instances.set(`${each.app} ${each.instanceId}`, each);
    expect(this.hash).toBe(all.apps__hashcode);
  }

  async fetchDelta(from: Eureka): Promise<void> {
    const delta = await from.apps('/eureka/apps/delta');
    for (const each of instancesIn(delta)) {
      const name = `${each.app} ${each.instanceId}`;
      if (each.actionType === 'DELETED') this.#instances.delete(name);
      else this.#instances.set(name, each);
    }
    if (this.hash === delta.apps__hashcode) return;
    this.forced++;
    await this.fetchAll(from);
  }

  /** By app and id. */
  get statuses(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#instances].map(([name, { status }]) => [name, status]));
  }

  get hash(): string {
    const counts = new Map<string, number>();
    for (const { status } of this.#instances.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([status, count]) => `${status}_${count}_`).join('');
  }
}

function instancesIn({ application }: Applications): Shown[] {
  return application.flatMap(({ instance }) => instance);
}

/** A store that outlives its servers. @param shared whether several serve it at once */
function store(shared: boolean): Engine {
  const engine = memory();
  return { ...engine, ...(shared ? { exclusive: false } : {}), close: () => Promise.resolve() };
}

/** One random change through Eureka's API, or through Consul's for an instance on a node. */
async function change(server: Eureka, next: (below: number) => number, step: number): Promise<void> {
  const app = `APP${next(4)}`;
  const id = `i${next(6)}`;
  const path = `/eureka/apps/${app}/${id}`;
  switch (next(9)) {
    case 0:
    case 1:
    case 2:
      await server.register({ app, instanceId: id, status: ['UP', 'DOWN', 'STARTING'][next(3)], lastDirtyTimestamp: 1_000_000 + step });
      break;
    case 3:
    case 4:
      await server.ask('DELETE', path);
      break;
    case 5:
      await server.ask('PUT', `${path}/status?value=${['OUT_OF_SERVICE', 'UP', 'DOWN'][next(3)]}`);
      break;
    case 6:
      await server.ask('DELETE', `${path}/status?value=UP`);
      break;
    case 7:
      await server.ask('PUT', `/v1/agent/service/register`, { body: { Name: `App${next(4)}`, ID: id, Port: 80, Check: { TTL: '1h', Status: ['passing', 'critical'][next(2)] } } });
      break;
    default:
      await server.ask('PUT', `/v1/agent/service/deregister/${id}`);
  }
}

describe('a client with deltas', () => {
  test.each([20_261_129, 7, 99])('fits the hash after random changes and restarts (seed %i)', async (seed) => {
    const next = numbers(seed);
    const engine = store(false);
    const options = { engine, frontends: ['consul', 'eureka'] } as const;
    let server = await Eureka.start(options);
    const client = new DeltaClient();
    await client.fetchAll(server);
    for (let step = 0; step < 60; step++) {
      for (let changes = next(4); changes > 0; changes--) await change(server, next, step);
      if (next(5) === 0) {
        await server[Symbol.asyncDispose]();
        server = await Eureka.start(options);
        if (next(2) === 0) await change(server, next, step);
      }
      await client.fetchDelta(server);
      const fresh = new DeltaClient();
      await fresh.fetchAll(server);
      expect(client.statuses).toEqual(fresh.statuses);
    }
    await server[Symbol.asyncDispose]();
    expect(client.forced).toBe(0);
  });

  test.each([20_261_129, 8])('fits the hash when it asks another node each time (seed %i)', async (seed) => {
    const next = numbers(seed);
    const engine = store(true);
    const nodes: Eureka[] = [];
    for (const nodeName of ['s1', 's2', 's3']) nodes.push(await Eureka.start({ engine, nodeName, frontends: ['consul', 'eureka', 'peer'] }));
    const any = () => nodes[next(3)] as Eureka;
    const client = new DeltaClient();
    await client.fetchAll(any());
    for (let step = 0; step < 60; step++) {
      for (let changes = next(4); changes > 0; changes--) await change(any(), next, step);
      await client.fetchDelta(any());
      if (next(6) === 0) {
        const at = next(3);
        await (nodes[at] as Eureka)[Symbol.asyncDispose]();
        nodes[at] = await Eureka.start({ engine, nodeName: `s${at + 1}`, frontends: ['consul', 'eureka', 'peer'] });
      }
    }
    for (const node of nodes) await node[Symbol.asyncDispose]();
    expect(client.forced).toBe(0);
  });

  test('sees an instance go whose lease has lapsed, and come back with its heartbeat', async () => {
    const clock = manualClock(Date.now());
    await using server = await Eureka.start({ clock });
    const client = new DeltaClient();
    await server.register({ leaseInfo: { renewalIntervalInSecs: 5, durationInSecs: 15 } });
    await client.fetchAll(server);
    await pass(clock, 20_000);
    expect((await server.ask('GET', '/eureka/apps/WEB')).status).toBe(404);
    await client.fetchDelta(server);
    expect([client.statuses, client.forced]).toEqual([{}, 0]);
    expect((await server.ask('PUT', '/eureka/apps/WEB/h1:web:8080')).status).toBe(200);
    await client.fetchDelta(server);
    expect([client.statuses, client.forced]).toEqual([{ 'WEB h1:web:8080': 'UP' }, 0]);
  });

  test('is told of a removal for some minutes only', async () => {
    const clock = manualClock(Date.now());
    await using server = await Eureka.start({ clock });
    const gone = async () => instancesIn(await server.apps('/eureka/apps/delta')).map(({ instanceId, actionType }) => [instanceId, actionType]);
    await gone();
    await server.register({ instanceId: 'a', leaseInfo: { durationInSecs: 3_600 } });
    await server.ask('DELETE', '/eureka/apps/WEB/a');
    expect(await gone()).toEqual([['a', 'DELETED']]);
    clock.advance(179_000);
    expect(await gone()).toEqual([['a', 'DELETED']]);
    clock.advance(40_000);
    expect(await gone()).toEqual([]);
  });

  test('is told that an instance is new once, and then that it has changed', async () => {
    await using server = await Eureka.start({ frontends: ['consul', 'eureka'] });
    const actions = async () => Object.fromEntries(instancesIn(await server.apps('/eureka/apps/delta')).map(({ instanceId, actionType, status }) => [instanceId, `${actionType} ${status}`]));
    await actions();
    await server.register();
    await server.ask('PUT', '/v1/agent/service/register', { body: { Name: 'web', ID: 'c1', Port: 80, Check: { TTL: '1h', Status: 'passing' } } });
    expect(await actions()).toMatchObject({ 'h1:web:8080': 'ADDED UP', 'server-1:c1': 'ADDED UP' });
    await server.ask('PUT', '/v1/agent/check/fail/service:c1');
    await server.register({ lastDirtyTimestamp: 9_999_999_999_999, metadata: { v: '2' } });
    expect(await actions()).toMatchObject({ 'h1:web:8080': 'MODIFIED UP', 'server-1:c1': 'MODIFIED DOWN' });
  });

  test('costs a registry nothing that has no such clients', async () => {
    await using server = await Eureka.start();
    const rows = () => [...server.server.registry.state.rows()].map(([, { kind }]) => kind);
    await server.register();
    await server.ask('DELETE', '/eureka/apps/WEB/h1:web:8080');
    expect(rows()).not.toContain('departure');
    await server.apps();
    await server.register();
    await server.ask('DELETE', '/eureka/apps/WEB/h1:web:8080');
    expect(rows()).toContain('departure');
  });
});
