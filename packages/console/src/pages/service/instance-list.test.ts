/** The order of instances is that of a sort of all of them, after any changes, and objects that have not changed are the same. */

import type { Instance } from '@rollcall/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOrder, keyOf, versionOf } from './instance-list.ts';

const instance = (id: string, node: string, more: Partial<Instance> = {}): Instance => ({ id, node, service: 'web', address: '10.0.0.1', port: 80, tags: [], meta: {}, weight: 1, status: 'passing', ...more });

test('instances are in the order of their ids, then of their nodes, after any changes of the same map and after any other map', () => {
  const name = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'aa'), node: fc.constantFrom('n1', 'n2') });
  const some = fc.uniqueArray(name, { selector: ({ id, node }) => `${id} ${node}` });
  fc.assert(
    fc.property(fc.array(fc.record({ put: some, remove: some, isWhole: fc.boolean(), isMissed: fc.boolean() })), (batches) => {
      const inOrder = createOrder();
      let items = new Map<string, Instance>();
      for (const [turn, { put, remove, isWhole, isMissed }] of batches.entries()) {
        if (isWhole) items = new Map();
        const changed = new Set([...remove, ...put].map(keyOf));
        for (const each of remove) items.delete(keyOf(each));
        for (const { id, node } of put) items.set(keyOf({ id, node }), instance(id, node));
        // A reader that was away, as while the page showed the past.
        if (isMissed) continue;
        const sorted = [...items.values()].sort((a, b) => (a.id === b.id ? (a.node < b.node ? -1 : 1) : a.id < b.id ? -1 : 1));
        const shown = inOrder({ items, turn, changed: isWhole ? undefined : changed });
        expect(shown.length).toBe(sorted.length);
        for (const [at, each] of sorted.entries()) expect(shown[at]).toBe(each);
      }
    }),
  );
});

test.each([
  [{ meta: { version: '1.2' }, tags: ['v9'] }, '1.2'],
  [{ tags: ['blue', 'v1.4.2-rc1'] }, 'v1.4.2-rc1'],
  [{ tags: ['2'] }, '2'],
  [{ tags: ['vault', 'v'] }, ''],
])('the version of %j is %j', (more, version) => {
  expect(versionOf(instance('a', 'n', more))).toBe(version);
});
