/** When nodes and services count as available, on a real state. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckStatus } from '@rollcall/protocol';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { Replica } from '../../replica.ts';
import { availability, countsOf, namespacesMax } from './availability.ts';

let replica: Replica;

beforeEach(async () => {
  replica = new Replica({
    engine: memory(),
    clock: manualClock(),
    onFatal: (error) => {
      throw error;
    },
  });
  await replica.start();
});
afterEach(() => replica.close());

/** Registers instances `service` or `service/id` on a node, all with one check of the given status. */
const node = (name: string, own: CheckStatus, instances: Readonly<Record<string, CheckStatus>> = {}) =>
  replica.submit({
    kind: 'register',
    namespace: 'default',
    node: { name, address: '10.0.0.1' },
    nodeMode: 'update',
    instances: Object.keys(instances).map((id) => ({ id, service: id.replace(/\/.*/, '') })),
    checks: [
      { id: 'node', name: 'node', status: own },
      ...Object.entries(instances).map(([id, status]) => ({ id: `c ${id}`, name: id, instance: id, status })),
    ],
  });

describe('availability', () => {
  it('of an empty registry is 1', async () => {
    expect(availability(await countsOf(replica.state)())).toBe(1);
  });

  it('is 1 while every node is not critical and every service has a passing instance', async () => {
    await node('a', 'passing', { web: 'critical', db: 'passing' });
    await node('b', 'passing', { web: 'passing' });
    const counts = await countsOf(replica.state)();
    const all = { services: 2, servicesAvailable: 2, instances: 3 };
    expect(counts).toEqual({ nodes: 2, nodesAvailable: 2, ...all, byNamespace: [{ namespace: 'default', ...all }] });
    expect(availability(counts)).toBe(1);
  });

  it('loses a service when its last passing instance is removed or warns', async () => {
    await node('a', 'passing', { 'web/1': 'critical', 'web/2': 'warning', db: 'passing' });
    const counts = await countsOf(replica.state)();
    expect(counts).toMatchObject({ services: 2, servicesAvailable: 1, nodesAvailable: 1 });
    expect(availability(counts)).toBe(2 / 3);
  });

  it('loses a critical node with all of its instances', async () => {
    await node('a', 'critical', { web: 'passing' });
    await node('b', 'passing', { db: 'passing' });
    const counts = await countsOf(replica.state)();
    expect(counts).toMatchObject({ nodes: 2, nodesAvailable: 1, services: 2, servicesAvailable: 1 });
    expect(availability(counts)).toBe(0.5);
  });

  it('keeps a node that only warns, though its instances do not pass', async () => {
    await node('a', 'warning', { web: 'passing' });
    expect(await countsOf(replica.state)()).toMatchObject({ nodesAvailable: 1, servicesAvailable: 0 });
  });

  it('is computed again only after a change, once for all simultaneous readers', async () => {
    const counts = countsOf(replica.state);
    const before = await counts();
    expect(await counts()).toBe(before);
    await node('a', 'passing');
    const [first, second] = await Promise.all([counts(), counts()]);
    expect(first).toMatchObject({ nodes: 1 });
    expect(second).toBe(first);
  });

  it('of a large registry is computed over several turns of the event loop, while it changes', async () => {
    for (let at = 0; at < 20; at++) {
      const instances = Array.from({ length: 500 }, (_, n) => ({ id: `${n}`, service: `web-${at * 500 + n}` }));
      await replica.submit({ kind: 'register', namespace: 'default', node: { name: `n${at}`, address: '10.0.0.1' }, nodeMode: 'update', instances });
    }
    await node('x', 'critical', Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`down-${n}`, 'passing' as const])));
    let turns = 0;
    const counting = countsOf(replica.state)();
    const turn = () => void (turns++, setImmediate(turn).unref());
    turn();
    await replica.submit({ kind: 'deregister-node', node: 'n19' });
    const { services, servicesAvailable } = await counting;
    expect(services).toBeGreaterThanOrEqual(10_000);
    expect([9_500, 10_000]).toContain(servicesAvailable);
    expect(turns).toBeGreaterThan(1);
  });
});

describe('namespaces', () => {
  const fill = async (namespace: string, count: number) => {
    await replica.submit({ kind: 'namespace-put', name: namespace });
    await replica.submit({
      kind: 'register',
      namespace,
      node: { name: 'n', address: '10.0.0.1' },
      nodeMode: 'ensure',
      instances: Array.from({ length: count }, (_, n) => ({ id: `${namespace}-${n}`, service: `s${n % 2}` })),
    });
  };

  it('are counted separately, the largest first, and those beyond a hundred as one', async () => {
    for (let n = 0; n < namespacesMax + 2; n++) await fill(`team-${n}`, n + 1);
    const { byNamespace, services, instances } = await countsOf(replica.state)();
    expect(byNamespace).toHaveLength(namespacesMax + 1);
    expect(byNamespace[0]).toEqual({ namespace: 'team-101', services: 2, servicesAvailable: 2, instances: 102 });
    // Two are left: with one instance, and with two.
    expect(byNamespace.at(-1)).toEqual({ namespace: '', services: 3, servicesAvailable: 3, instances: 3 });
    expect(byNamespace.reduce((sum, each) => sum + each.instances, 0)).toBe(instances);
    expect(byNamespace.reduce((sum, each) => sum + each.services, 0)).toBe(services);
  });
});
