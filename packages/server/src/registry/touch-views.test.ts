import { describe, expect, test } from 'vitest';
import { Journal } from './journal.case.ts';
import { servicesView } from './kind/catalog/views.ts';
import type { Command, Row } from './kinds.ts';

const instance = (id: string, tags: string[], node = 'n1'): Command => ({
  kind: 'register',
  namespace: 'default',
  node: { name: node, address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id, service: 'web', tags }],
});

const nodeCheck = (status: 'passing' | 'critical'): Command => ({
  kind: 'register',
  namespace: 'default',
  node: { name: 'n1', address: '' },
  nodeMode: 'exists',
  checks: [{ id: 'disk', name: 'disk', status }],
});

/** Rows that a command reads by scanning, in a service with so many instances, all on one node. */
function rowsScanned(instances: number, command: Command): number {
  const journal = new Journal();
  for (let at = 0; at < instances; at++) journal.commit([instance(`i${at}`, ['all', `own-${at}`])]);
  const { state } = journal;
  const bucket = state.bucket.bind(state);
  let scanned = 0;
  state.bucket = function* counted(name: string): Generator<Row, void, undefined> {
    for (const row of bucket(name)) {
      scanned++;
      yield row;
    }
  };
  journal.commit([command]);
  return scanned;
}

describe('finding the views that a change touches', () => {
  for (const [what, command] of [
    ['a registration with a tag of its own', instance('new', ['all', 'own-new'])],
    ['a new tag of an instance', instance('i1', ['all', 'another'])],
    ['the removal of an instance', { kind: 'deregister-instance', namespace: 'default', node: 'n1', id: 'i1' }],
    ['a check of the node', nodeCheck('critical')],
    ['another address of the node', { kind: 'register', namespace: 'default', node: { name: 'n1', address: '10.0.0.9' }, nodeMode: 'update' }],
  ] as const) {
    test(`${what} reads as many rows in a service of 2,000 as in one of 10`, () => {
      expect(rowsScanned(2_000, command)).toBe(rowsScanned(10, command));
    });
  }

  test('the catalog changes with the first and the last instance that has a tag, and not between', () => {
    const journal = new Journal();
    const revisions = [instance('a', ['v1']), instance('b', ['v1', 'v1']), instance('a', []), instance('b', ['v2'])].map(
      (command) => {
        journal.commit([command]);
        return journal.views.revision(servicesView('default'));
      },
    );
    expect(revisions).toEqual([1, 1, 1, 4]);
  });
});
