import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from './journal.case.ts';
import { catalogBuckets, checkKey, instanceKey, nodeKey } from './kind/catalog/keys.ts';
import { servicesOf } from './kind/catalog/service-index.ts';
import { servicesAt, tagsAt } from './kind/catalog/services-at.ts';
import { keysPerPiece } from './frozen.ts';
import { kvKeysUnder, kvPiecesUnder } from './kind/kv/find.ts';
import { kvKey, tombstoneKey } from './kind/kv/keys.ts';
import { keyOf, type Command, type Row } from './kinds.ts';
import type { Reader } from './reader.ts';

const nodes = ['n1', 'n2'];
const ids = ['i1', 'i2', 'i3'];
const services = ['db', 'web'];
const kvKeys = ['a', 'a/b', 'a/c', 'b'];
const pick = <T>(from: readonly T[]) => fc.constantFrom(...from);

const command: fc.Arbitrary<Command> = fc.oneof(
  fc
    .record({ node: pick(nodes), id: pick(ids), service: pick(services), tags: fc.subarray(['v1', 'v2', 'v3']) })
    .map(({ node, id, service, tags }): Command => ({
      kind: 'register',
      namespace: 'default',
      node: { name: node, address: '10.0.0.1' },
      nodeMode: 'ensure',
      instances: [{ id, service, port: 80, tags }],
      checks: [{ id: `c-${id}`, name: '', status: 'passing', instance: id }],
    })),
  fc.record({ node: pick(nodes), id: pick(ids) }).map((of): Command => ({ kind: 'deregister-instance', namespace: 'default', ...of })),
  pick(nodes).map((node): Command => ({ kind: 'deregister-node', node })),
  fc
    .record({ key: pick(kvKeys), value: pick(['x', 'y']) })
    .map(({ key, value }): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 0n })),
  pick(kvKeys).map((key): Command => ({ kind: 'kv-delete', namespace: 'default', key })),
);

/** The whole content, in an order that does not depend on the state. */
function content(reader: Reader, catalog: readonly (readonly [string, readonly string[]])[]): unknown {
  const asked = [
    ...nodes.flatMap((node) => [nodeKey(node), ...ids.flatMap((id) => [instanceKey('default', node, id), checkKey('default', node, `c-${id}`)])]),
    ...kvKeys.flatMap((key) => [kvKey('default', key), tombstoneKey('default', key)]),
  ];
  const named = [
    ...[catalogBuckets.nodes(), catalogBuckets.checks('default'), ...services.map((service) => catalogBuckets.instancesOfService('default', service))],
    ...nodes.flatMap((node) => [
      ...[catalogBuckets.instancesOnNode('default', node), catalogBuckets.checksOnNode('default', node)],
      ...ids.map((id) => catalogBuckets.checksOfInstance('default', node, id)),
    ]),
  ];
  const prefixes = ['', 'a', 'a/', 'zz'];
  return {
    rows: asked.map((key) => reader.get(key)),
    buckets: named.map((name) => [...reader.bucket(name)].sort((a, b) => (keyOf(a as Row) < keyOf(b as Row) ? -1 : 1))),
    keys: prefixes.map((prefix) => [...kvKeysUnder(reader, 'default', prefix)]),
    tombstones: prefixes.map((prefix) => [...reader.ordered('tombstone', 'default', prefix)]),
    catalog,
  };
}

test('keys in order are those of the revision, also when the state changes while they are read', () => {
  const some = fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(some, some, some, (before, between, during) => {
      const journal = new Journal();
      for (const commands of before) journal.commit(commands);
      const expected = [...kvKeysUnder(journal.state, 'default', '')];
      const frozen = journal.state.freeze();
      for (const commands of between) journal.commit(commands);
      const found: string[] = [];
      const changes = [...during];
      for (const key of kvKeysUnder(frozen, 'default', '')) {
        found.push(key);
        for (const commands of changes.splice(0, 2)) journal.commit(commands);
      }
      expect(found).toEqual(expected);
      frozen.close();
    }),
  );
});

/** Enough keys for several pieces, some of which change while they are read. */
test('many keys in order are those of the revision from any key on, also when the state changes between two pieces', () => {
  const key = fc.tuple(fc.constantFrom('a/', 'b/', 'b/c/'), fc.integer({ min: 0, max: 2_000 })).map(([folder, n]) => `${folder}${n}`);
  const change = fc.record({ key, isPut: fc.boolean() });
  const changes = (maxLength: number) => fc.array(change, { minLength: maxLength / 2, maxLength, size: 'max' });
  const write = (journal: Journal, each: readonly { readonly key: string; readonly isPut: boolean }[]) =>
    journal.commit(each.map(({ key: of, isPut }): Command => (isPut ? { kind: 'kv-put', namespace: 'default', key: of, value: Buffer.from('x'), flags: 0n } : { kind: 'kv-delete', namespace: 'default', key: of })));
  fc.assert(
    fc.property(changes(3_000), changes(1_000), changes(2_000), fc.constantFrom('', 'a/', 'b/', 'b/c/1'), fc.option(key, { nil: undefined }), (before, between, during, prefix, after) => {
      const journal = new Journal();
      write(journal, before.map((each, at) => ({ ...each, isPut: each.isPut || at % 4 > 0 })));
      const expected = [...kvKeysUnder(journal.state, 'default', prefix, after)];
      const frozen = journal.state.freeze();
      write(journal, between);
      const found: string[] = [];
      const left = [...during];
      for (const keys of kvPiecesUnder(frozen, 'default', prefix, after)) {
        expect(keys.length).toBeLessThanOrEqual(2 * keysPerPiece);
        found.push(...keys);
        write(journal, left.splice(0, 300));
      }
      expect(found).toEqual(expected);
      expect([...kvKeysUnder(frozen, 'default', prefix, after)]).toEqual(expected);
      frozen.close();
    }),
    // Making a failing case of thousands of keys smaller takes minutes.
    { numRuns: 30, endOnFailure: true },
  );
});

test('keys that did not exist yet are passed in pieces without a key', () => {
  const journal = new Journal();
  const frozen = journal.state.freeze();
  const later = Array.from({ length: 4 * keysPerPiece }, (_, n): Command => ({ kind: 'kv-put', namespace: 'default', key: `k${n}`, value: Buffer.from('x'), flags: 0n }));
  journal.commit(later);
  expect(Array.from(kvPiecesUnder(frozen, 'default', ''), (keys) => keys.length)).toEqual([0, 0, 0, 0, 0]);
  frozen.close();
});

test('a frozen state keeps its content during any later changes', () => {
  const some = fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(some, some, some, (before, between, after) => {
      const journal = new Journal();
      const { state } = journal;
      const today = () => {
        const index = servicesOf(state);
        return content(state, [...index.names('default')].map((service) => [service, [...index.tagsOf('default', service)]]));
      };
      const then = (frozen: ReturnType<typeof state.freeze>) =>
        content(frozen, servicesAt(frozen, 'default').map((service) => [service, tagsAt(frozen, 'default', service)]));
      const opened: { readonly expected: unknown; readonly frozen: ReturnType<typeof state.freeze> }[] = [];
      for (const batches of [before, between, after]) {
        for (const commands of batches) journal.commit(commands);
        opened.push({ expected: today(), frozen: state.freeze() });
        for (const { expected, frozen } of opened) {
          expect(then(frozen)).toEqual(expected);
        }
      }
      for (const { frozen } of opened) frozen.close();
    }),
    { numRuns: 200 },
  );
});
