/** A restore in steps: each row comes after those that it depends on, also while other writers remove rows. */

import { describe, expect, test } from 'vitest';
import { Journal } from './journal.case.ts';
import { checkKey, instanceKey, nodeKey } from './kind/catalog/keys.ts';
import { coordinateKey } from './kind/coordinate/keys.ts';
import { kvKey, tombstoneKey } from './kind/kv/keys.ts';
import { namespaceKey } from './kind/namespace/keys.ts';
import { queryKey } from './kind/query/keys.ts';
import { sessionKey } from './kind/session/keys.ts';
import { keyOf, kinds, type Command, type Row } from './kinds.ts';
import { restoreCommand } from './restore.ts';
import type { AnyRow } from './row.ts';

const namespace = 'team-a';
const query = {
  ...{ name: 'q', session: 's', template: { type: '', pattern: '', removeEmptyTags: false }, ttl: '' } as const,
  service: {
    ...{ name: 'web', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false, ignoredChecks: [], near: '' },
    ...{ tags: [], nodeMeta: {}, meta: {}, connect: false },
  },
};

/** A row of each kind, each of which depends on some before it. */
const history: readonly Command[] = [
  { kind: 'namespace-put', name: namespace },
  { kind: 'register', namespace, node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'update' },
  { kind: 'session-create', namespace, id: 's', name: '', node: 'n', liveness: 'stream', ttlMs: 0, lockDelayMs: 0, behavior: 'release', checks: [], holder: 'here' },
  {
    ...{ kind: 'register', namespace, node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure' },
    instances: [{ id: 'i', service: 'web', session: 's' }],
    checks: [{ id: 'c', name: 'c', instance: 'i' }],
  },
  { kind: 'kv-put', namespace, key: 'k', value: Buffer.from('v'), flags: 0n, condition: { kind: 'acquire', session: 's' } },
  { kind: 'kv-put', namespace, key: 'gone', value: Buffer.from('v'), flags: 0n },
  { kind: 'kv-delete', namespace, key: 'gone' },
  { kind: 'query-put', namespace, id: 'q', query, update: false },
  { kind: 'coordinate-put', node: 'n', coordinate: { segment: '', vector: [0, 0, 0, 0, 0, 0, 0, 0], error: 1, adjustment: 0, height: 0 } },
];

function backup(): readonly Row[] {
  const journal = new Journal();
  for (const command of history) journal.commit([command]);
  return Array.from(journal.state.rows(), ([, row]) => row);
}

const small = { rows: 1, bytes: Infinity, reads: Infinity };

/** Restores in steps of one row. @param between runs after each step */
function restore(journal: Journal, rows: readonly Row[], between: () => void = () => {}): void {
  let next: Command | undefined = restoreCommand(kinds, rows, Array.from(journal.state.rows(), ([, row]) => row), journal.state.revision);
  while (next !== undefined) {
    const step: ReturnType<Journal['step']> = journal.step([next]);
    const [outcome] = step.outcomes;
    expect(outcome).not.toHaveProperty('error');
    next = outcome !== undefined && 'next' in outcome ? outcome.next : undefined;
    between();
  }
}

const missing = (journal: Journal) =>
  Array.from(journal.state.rows()).flatMap(([key, row]) => {
    const parents: readonly string[] = kinds.of(row).parents?.(row as AnyRow as never) ?? [];
    return parents.filter((parent) => journal.state.get(parent) === undefined).map((parent) => `${key} without ${parent}`);
  });

const ofNodes = [nodeKey('n'), coordinateKey('n')];
const inSession = [instanceKey(namespace, 'n', 'i'), checkKey(namespace, 'n', 'i'), queryKey(namespace, 'q')];

describe('a restore in steps', () => {
  test('brings every row back from a backup in any order, and no row is ever without one that it depends on', () => {
    const rows = backup();
    for (const order of [rows, rows.toReversed()]) {
      const journal = new Journal(small);
      restore(journal, order, () => expect(missing(journal)).toEqual([]));
      const kept = Array.from(journal.state.rows(), ([key]) => key).filter((key) => !key.startsWith('view\0') && key !== 'floor');
      expect(kept.sort()).toEqual(rows.map(keyOf).filter((key) => !key.startsWith('view\0') && key !== tombstoneKey(namespace, 'gone')).sort());
    }
  });

  test('removes what is not in the backup, the rows that depend on others first', () => {
    const journal = new Journal(small);
    for (const command of history) journal.commit([command]);
    restore(journal, [], () => expect(missing(journal)).toEqual([]));
    const left = Array.from(journal.state.rows(), ([key]) => key).filter((key) => !key.startsWith('view\0') && key !== 'floor');
    expect(left.sort()).toEqual([tombstoneKey(namespace, 'gone'), tombstoneKey(namespace, 'k')]);
  });

  test('restores a key without its lock, and nothing else of a session, when another writer ends the session meanwhile', () => {
    const journal = new Journal(small);
    restore(journal, backup(), () => {
      if (journal.state.get(sessionKey(namespace, 's')) !== undefined) journal.commit([{ kind: 'session-destroy', namespace, id: 's' }]);
    });
    expect(journal.state.get(kvKey(namespace, 'k'))).not.toHaveProperty('session');
    expect([namespaceKey(namespace), ...ofNodes].map((key) => journal.state.get(key) !== undefined)).toEqual([true, true, true]);
    expect(inSession.map((key) => journal.state.get(key))).toEqual([undefined, undefined, undefined]);
    expect(missing(journal)).toEqual([]);
  });
});
