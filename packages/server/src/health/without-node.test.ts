/** Liveness of instances that have no node: their heartbeats count, and each address counts as a machine. */

import { afterEach, expect, it } from 'vitest';
import { findCheck } from '../registry/kind/catalog/find.ts';
import { startLiveness, type Started } from './liveness.case.ts';
import { machineOf, machineOfSession } from './machine.ts';

const slackMs = 1_200;
const ttlMs = 10_000;

let one: Started;
afterEach(() => one.close());

/** Registers instances without a node, each with its heartbeat check, and sends one heartbeat for each. */
async function register(addresses: readonly string[], serviceOf: (at: number) => string): Promise<void> {
  for (const [at, address] of addresses.entries()) {
    await one.replica.submit({
      ...{ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none' },
      instances: [{ id: `i${at}`, service: serviceOf(at), address }],
      checks: [{ id: `c${at}`, name: '', instance: `i${at}`, type: 'ttl', definition: { ttlMs }, status: 'passing' }],
    });
    await beat(at, address);
  }
}

const beat = (at: number, address: string) => one.liveness.beat('default', '', `c${at}`, 'passing', '', `address ${address}`);
const statusOf = (at: number) => findCheck(one.replica.state, 'default', '', `c${at}`)?.status;

it('a heartbeat check expires, and passes again with the next heartbeat', async () => {
  one = await startLiveness();
  await register(['10.0.0.1'], () => 'web');
  await one.pass(ttlMs - 1_000);
  await beat(0, '10.0.0.1');
  await one.pass(ttlMs - 1_000);
  expect(statusOf(0)).toBe('passing');
  await one.pass(1_000 + slackMs);
  expect(statusOf(0)).toBe('critical');
  await beat(0, '10.0.0.1');
  expect(statusOf(0)).toBe('passing');
});

it('the loss of many addresses freezes expiry, that of one address does not', async () => {
  one = await startLiveness();
  const addresses = Array.from({ length: 30 }, (_, at) => `10.0.1.${at}`);
  await register(addresses, (at) => `s${at % 5}`);
  await one.pass(ttlMs + slackMs);
  expect(one.liveness.status()).toMatchObject({ frozen: true, causes: { nodes: [{ of: 1 }, {}, {}, {}, {}] } });
  await one.close();

  one = await startLiveness();
  await register(Array.from({ length: 30 }, () => '10.0.2.1'), (at) => `s${at % 5}`);
  await one.pass(ttlMs + slackMs);
  expect(one.liveness.status().frozen).toBe(false);
  expect(statusOf(0)).toBe('critical');
});

it('a session without a node counts for the machine of an instance that it vouches for', async () => {
  one = await startLiveness();
  const session = { namespace: 'default', node: '', id: 's' };
  const rest = { name: '', liveness: 'stream', ttlMs, lockDelayMs: 0, behavior: 'delete', checks: [] } as const;
  await one.replica.submit({ kind: 'session-create', ...session, ...rest });
  expect(machineOfSession(one.replica.state, session)).toBe('session s');
  const instances = [{ id: 'i', service: 'web', address: '10.0.0.7', session: 's' }];
  await one.replica.submit({ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances });
  expect(machineOfSession(one.replica.state, session)).toBe('address 10.0.0.7');
  expect([machineOf('n', undefined), machineOfSession(one.replica.state, { ...session, node: 'n' })]).toEqual(['n', 'n']);
});
