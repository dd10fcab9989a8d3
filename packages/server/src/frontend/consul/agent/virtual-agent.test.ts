/** The rows that the registry creates for an agent's node. */

import { expect, test } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { manualClock } from '../../../manual-clock.case.ts';
import type { Context, Identity } from '../../../net/frontend.ts';
import { findCheck, findNode } from '../../../registry/kind/catalog/find.ts';
import { Replica } from '../../../replica.ts';
import { agentId, agentOf } from '../request/virtual-agent.ts';
import { keep } from '../wire/foreign.ts';
import { enrol, enrolment } from './enrolment.ts';

const identity: Identity = {
  datacenter: 'dc1',
  nodeName: 'server-1',
  registryId: '22222222-2222-4222-8222-222222222222',
  nodeId: '40e4a748-2192-161a-0510-9bf59fe950b5',
  version: '0.0.0',
  address: '127.0.0.1',
  httpPort: 0,
  httpsPort: 0,
  agentNames: { '10.0.0.9': 'gateway' },
};

async function context(): Promise<Pick<Context, 'registry' | 'identity'>> {
  const replica = new Replica({ engine: memory(), clock: manualClock(), onFatal: () => {} });
  await replica.start();
  return { registry: replica, identity };
}

const request = (remoteAddress: string | undefined, rawHeaders: string[] = [], destroyed = false) =>
  ({ socket: { remoteAddress, destroyed }, rawHeaders }) as never;

test('the address of a client is its node, unless the configuration or a header names one', () => {
  expect(agentOf(request('10.0.0.7'), identity)).toEqual({ name: 'ip-10-0-0-7', address: '10.0.0.7' });
  expect(agentOf(request('10.0.0.9'), identity)).toEqual({ name: 'gateway', address: '10.0.0.9' });
  expect(agentOf(request('::1'), identity)).toEqual({ name: 'server-1', address: '127.0.0.1' });
  const named = request('10.0.0.7', ['Host', 'x', 'X-ROLLCALL-NODE', 'mine']);
  expect(agentOf(named, identity)).toEqual({ name: 'mine', address: '10.0.0.7' });
});

test('a closed connection, which has no address any more, is not treated as a local one', () => {
  expect(() => agentOf(request(undefined, [], true), identity)).toThrow('the client has disconnected');
});

test('the server’s own node id is stored; other ids are derived from the name', () => {
  expect(agentId('server-1', identity)).toBe(identity.nodeId);
  expect(agentId('a', identity)).toBe(agentId('a', { ...identity, nodeName: 'server-2' }));
  expect(agentId('a', identity)).not.toBe(agentId('b', identity));
  expect(agentId('a', identity)).not.toBe(agentId('a', { ...identity, datacenter: 'dc2' }));
});

test('a new agent gets its node and a passing serfHealth; later requests write neither again', async () => {
  const own = (await context()) as Context;
  const { state } = own.registry;
  await enrol(own, { name: 'a', address: '10.0.0.7' });
  expect(findNode(state, 'a')).toMatchObject({ address: '10.0.0.7', id: agentId('a', identity) });
  expect(findCheck(state, 'default', 'a', 'serfHealth')).toMatchObject({ status: 'passing', type: 'none' });
  const { revision } = state;
  await enrol(own, { name: 'a', address: '10.0.0.7' });
  expect(state.revision).toBe(revision);
  const again = enrolment(state, { name: 'a', address: '10.0.0.7' }, identity);
  expect(again).toMatchObject({ nodeMode: 'ensure', checks: [] });
});

test('an agent that moved takes its node with it; a node of the catalog keeps its address', async () => {
  const own = (await context()) as Context;
  const { state } = own.registry;
  await enrol(own, { name: 'a', address: '10.0.0.7' });
  const moved = enrolment(state, { name: 'a', address: '10.0.0.8' }, identity);
  const node = { name: 'a', address: '10.0.0.8', id: agentId('a', identity) };
  expect(moved).toMatchObject({ nodeMode: 'update', node });
  const ext = { name: 'ext', address: 'public', ...keep({ TaggedAddresses: null }) };
  await own.registry.submit({ kind: 'register', namespace: 'default', node: ext, nodeMode: 'update' });
  const asked = enrolment(state, { name: 'ext', address: '10.0.0.8' }, identity);
  expect(asked).toMatchObject({ nodeMode: 'ensure', checks: [], node: { address: 'public' } });
});

test('an agent cannot take an id from a node of the catalog', async () => {
  const own = (await context()) as Context;
  const { state } = own.registry;
  const id = agentId('a', identity);
  await own.registry.submit({ kind: 'register', namespace: 'default', node: { name: 'ext', address: 'public', id }, nodeMode: 'update' });
  await enrol(own, { name: 'a', address: '10.0.0.7' });
  expect(findNode(state, 'ext')?.id).toBe(id);
  expect(findNode(state, 'a')).toMatchObject({ id: '', address: '10.0.0.7' });
});
