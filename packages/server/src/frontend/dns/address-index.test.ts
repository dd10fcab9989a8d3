/** The index of addresses, compared with a list of rows that is searched from the beginning for each question. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { addressDigits } from './address.ts';
import { AddressIndex, type Holder, type Readable } from './address-index.ts';

type Sample = readonly [kind: 'node' | 'instance', namespace: string, name: string, node: string, address: string];

const names = fc.constantFrom<string[]>('a', 'b', 'B', 'c');
const addresses = fc.constantFrom('10.0.0.1', '10.0.0.2', '::ffff:10.0.0.1', '2001:db8::1', 'host.example', '');
const namespaces = fc.constantFrom<string[]>('default', 'a', 'z');
const samples: fc.Arbitrary<Sample> = fc.tuple(fc.constantFrom('node', 'instance'), namespaces, names, names, addresses);

const rowOf = ([kind, namespace, name, node, address]: Sample) =>
  (kind === 'node' ? { kind, name, address } : { kind, namespace, service: name, node, id: `${name}-${node}`, address }) as NodeRow | InstanceRow;
const identityOf = (row: NodeRow | InstanceRow) => (row.kind === 'node' ? row.name : `${row.namespace} ${row.node} ${row.id}`);

function naive(rows: Iterable<NodeRow | InstanceRow>, digits: string, readable: Readable): Holder | undefined {
  const there = [...rows].filter(({ address }) => addressDigits(address) === digits);
  const nodes = there.flatMap((row) => (row.kind === 'node' && readable.node('default', row.name) ? [row.name] : []));
  const [node] = nodes.sort();
  if (node !== undefined) return { of: 'node', name: node };
  for (const namespace of ['default', 'a', 'z']) {
    const services = there.flatMap((row) =>
      row.kind === 'instance' && row.namespace === namespace && readable.service(namespace, row.service) && readable.node(namespace, row.node)
        ? [row.service]
        : [],
    );
    const [service] = services.sort();
    if (service !== undefined) return { of: 'service', namespace, name: service };
  }
  return undefined;
}

test('finds the same as a search through all rows, after any changes, and for all rights', () => {
  const step = fc.tuple(fc.constantFrom('put', 'put', 'delete'), samples);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(fc.tuple(namespaces, names)), fc.array(fc.tuple(namespaces, names)), (steps, hiddenNodes, hiddenServices) => {
      const isIn = (hidden: readonly (readonly [string, string])[], namespace: string, name: string) =>
        hidden.some((each) => each[0] === namespace && each[1] === name);
      const readable: Readable = {
        node: (namespace, name) => !isIn(hiddenNodes, namespace, name),
        service: (namespace, name) => !isIn(hiddenServices, namespace, name),
      };
      const index = new AddressIndex();
      const rows = new Map<string, NodeRow | InstanceRow>();
      for (const [action, sample] of steps) {
        const row = rowOf(sample);
        const key = `${row.kind} ${identityOf(row)}`;
        const before = rows.get(key);
        if (action === 'put' && before?.address === row.address) {
          index.replace(row);
          rows.set(key, row);
          continue;
        }
        if (before !== undefined) index.delete(before);
        rows.delete(key);
        if (action === 'put') {
          index.add(row);
          // Gathering may add a row that a change has added already.
          index.add(row);
          rows.set(key, row);
        }
        for (const digits of ['0a000001', '0a000002', addressDigits('2001:db8::1') as string]) {
          expect(index.find(digits, readable)).toEqual(naive(rows.values(), digits, readable));
        }
      }
      for (const row of rows.values()) index.delete(row);
      expect(index.size).toBe(0);
    }),
  );
});
