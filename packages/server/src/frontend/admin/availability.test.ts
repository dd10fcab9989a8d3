/** What counts as available, over a real state. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckStatus } from '@rollcall/protocol';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { Replica } from '../../replica.ts';
import { availability, countsOf } from './availability.ts';

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
  it('of nothing at all is 1', () => {
    expect(availability(countsOf(replica.state)())).toBe(1);
  });

  it('is 1 while every node is not critical and every service has a passing instance', async () => {
    await node('a', 'passing', { web: 'critical', db: 'passing' });
    await node('b', 'passing', { web: 'passing' });
    const counts = countsOf(replica.state)();
    expect(counts).toEqual({ nodes: 2, nodesAvailable: 2, services: 2, servicesAvailable: 2, instances: 3 });
    expect(availability(counts)).toBe(1);
  });

  it('loses a service when its last passing instance goes, be it by warning', async () => {
    await node('a', 'passing', { 'web/1': 'critical', 'web/2': 'warning', db: 'passing' });
    const counts = countsOf(replica.state)();
    expect(counts).toMatchObject({ services: 2, servicesAvailable: 1, nodesAvailable: 1 });
    expect(availability(counts)).toBe(2 / 3);
  });

  it('loses a critical node with all that runs on it', async () => {
    await node('a', 'critical', { web: 'passing' });
    await node('b', 'passing', { db: 'passing' });
    const counts = countsOf(replica.state)();
    expect(counts).toMatchObject({ nodes: 2, nodesAvailable: 1, services: 2, servicesAvailable: 1 });
    expect(availability(counts)).toBe(0.5);
  });

  it('keeps a node that only warns, though its instances do not pass', async () => {
    await node('a', 'warning', { web: 'passing' });
    expect(countsOf(replica.state)()).toMatchObject({ nodesAvailable: 1, servicesAvailable: 0 });
  });

  it('is counted anew after a change, and only then', async () => {
    const counts = countsOf(replica.state);
    const before = counts();
    expect(counts()).toBe(before);
    await node('a', 'passing');
    expect(counts()).toMatchObject({ nodes: 1 });
  });
});
