/** The index follows the registry: it has the rows that exist when it begins, later changes, and a restore. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeRow } from '../../registry/kinds.ts';
import { nodeKey } from '../../registry/kind/catalog/keys.ts';
import { CatalogIndex } from './catalog-index.ts';
import { startRegistry } from './dns.case.ts';

let registry: Awaited<ReturnType<typeof startRegistry>>;
let index: CatalogIndex;

beforeEach(async () => {
  registry = await startRegistry();
});
afterEach(async () => {
  index.close();
  await registry.close();
});

const everything = { node: () => true, service: () => true };
const holder = (digits: string) => index.addresses?.find(digits, everything)?.name;

/** Instances of one service, many to a transaction. */
async function fill(count: number): Promise<void> {
  for (let at = 0; at < count; at += 500) {
    const instances = Array.from({ length: 500 }, (_, n) => ({ id: `i${at + n}`, service: 'many', address: `10.8.${(at + n) >> 8}.${(at + n) & 255}`, port: 80 }));
    await registry.replica.submit({ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.9' }, nodeMode: 'ensure', instances });
  }
}

test('reads the addresses over several turns, follows changes in the meantime, and never reads it again', async () => {
  await fill(10_000);
  index = new CatalogIndex(registry.replica);
  const gathered = Promise.all([index.gather(), index.gatherAddresses()]);
  expect([index.behind, index.addresses]).toEqual([true, undefined]);
  // The first is gathered already, the last is not.
  await registry.register({ id: 'n1', service: 'Late', address: '10.8.39.15' });
  await registry.replica.submit({ kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'i9999' });
  await registry.replica.submit({ kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'i1' });
  await gathered;
  expect([index.behind, holder('0a080001'), holder('0a08270f'), holder('0a08270e')]).toEqual([false, undefined, 'Late', 'many']);
  const bucket = vi.spyOn(registry.replica.state, 'bucket');
  await registry.replica.submit({ kind: 'kv-put', namespace: 'default', key: 'a', value: Buffer.from('1'), flags: 0n });
  await registry.register({ id: 'n2', nodeAddress: '10.0.0.2' });
  const whole = bucket.mock.calls.filter(([name]) => name === 'service\0many' || name === 'all\0node');
  expect([holder('0a000002'), index.services.get('default', 'late'), whole]).toEqual(['n2', ['Late'], []]);
});

test('a change that leaves name and address of an instance alone leaves its entry in place', async () => {
  index = new CatalogIndex(registry.replica);
  await Promise.all([index.gather(), index.gatherAddresses()]);
  await registry.register({ id: 'n1', service: 'web', address: '10.8.0.1' });
  await registry.register({ id: 'n1', service: 'web', address: '10.8.0.1', tags: ['v2'] });
  expect([holder('0a080001'), index.addresses?.size]).toEqual(['web', 2]);
  await registry.register({ id: 'n1', service: 'api', address: '10.8.0.1' });
  expect(holder('0a080001')).toBe('api');
  await registry.register({ id: 'n1', service: 'api', address: '10.8.0.2' });
  expect([holder('0a080001'), holder('0a080002')]).toEqual([undefined, 'api']);
});

test('finds a name with capitals as long as the service has an instance, or the node exists', async () => {
  index = new CatalogIndex(registry.replica);
  await index.gather();
  await registry.register({ id: 'N1', service: 'Web' });
  await registry.register({ id: 'N2', service: 'Web' });
  await registry.register({ id: 'n2', service: 'WEB' });
  expect([index.services.get('default', 'web'), index.nodes.get('', 'n2')]).toEqual([['WEB', 'Web'], ['N2']]);
  await registry.deregister('N1');
  expect(index.services.get('default', 'web')).toEqual(['WEB', 'Web']);
  await registry.deregister('N2');
  await registry.replica.submit({ kind: 'deregister-node', node: 'N2' });
  expect([index.services.get('default', 'web'), index.nodes.get('', 'n2'), index.nodes.get('', 'n1')]).toEqual([['WEB'], [], ['N1']]);
});

test('reports that it is behind while it follows a restore, even one during its first build', async () => {
  await fill(10_000);
  index = new CatalogIndex(registry.replica);
  const gathered = Promise.all([index.gather(), index.gatherAddresses()]);
  const node = { kind: 'node', name: 'new', id: '', address: '10.0.0.1', meta: {}, created: 1, modified: 1 } as const;
  const restored = registry.replica.replace(function* make(state) {
    yield;
    const put = [{ key: nodeKey('new'), value: encodeRow(node) }];
    return { expect: [], put, delete: [...state.rows()].map(([key]) => key) };
  });
  await Promise.all([gathered, restored]);
  expect([index.behind, holder('0a000001'), holder('0a080001'), index.addresses?.size]).toEqual([false, 'new', undefined, 1]);
});
