/**
 * A restore in steps, for an engine whose transactions are small: first every row of the backup is put, then every row that is not
 * in it goes. So each state in between has the rows from before, or the restored ones, or both, and no row without the one that it
 * depends on. After a crash in the middle, the same restore does the rest. Markers and tombstones are not restored: the floor stands
 * for all of them.
 */

import type { Restore } from './command.ts';
import type { Draft } from './draft.ts';
import { removeKey, wasThere } from './kind/kv/decide.ts';
import { find, namespaceNames } from './reader.ts';
import { keys, type Row } from './rows.ts';
import type { Steps } from './steps.ts';

/** A row comes after those of the kinds before its own, and goes before them. */
const order: readonly Row['kind'][] = ['namespace', 'node', 'session', 'instance', 'check'];

const notRestored: ReadonlySet<Row['kind']> = new Set(['view', 'head', 'tombstone', 'floor']);

/**
 * The command that makes the registry what it was at a backup.
 * @param restored every row of the backup that belongs to the registry
 * @param present every row that is there now
 * @param floor a revision that the registry has reached: views without rows stand at it
 * @param keyOf the record key of a row
 */
export function restoreCommand(restored: readonly Row[], present: Iterable<Row>, floor: number, keyOf: (row: Row) => string): Restore {
  const rows = restored.filter(({ kind }) => !notRestored.has(kind)).toSorted((a, b) => rank(a) - rank(b));
  const kept = new Set(rows.map((row) => keyOf(row)));
  const gone = [...present].filter((row) => !notRestored.has(row.kind) && !kept.has(keyOf(row))).toSorted((a, b) => rank(b) - rank(a));
  return { kind: 'restore', rows: [{ kind: 'floor', revision: floor, created: 0, modified: 0 }, ...rows], gone: gone.map((row) => keyOf(row)) };
}

function rank({ kind }: Row): number {
  const at = order.indexOf(kind);
  return at < 0 ? order.length : at;
}

export function* restoreInSteps(draft: Draft, { rows, gone, from = 0, asOf }: Restore): Steps<boolean> {
  for (let at = from; at < rows.length; at++) {
    const row = rows[at] as Row;
    if (hasItsParent(draft, row)) put(draft, row);
    yield () => ({ from: at + 1 });
  }
  for (let at = Math.max(from, rows.length); at < rows.length + gone.length; at++) {
    const row = draft.get(gone[at - rows.length] as string);
    // What others write meanwhile comes after the restore, and keeps what it depends on.
    if (row !== undefined && wasThere(row.modified, asOf) && !hasDependents(draft, row)) remove(draft, row);
    yield () => ({ from: at + 1 });
  }
  return true;
}

function put(draft: Draft, row: Row): void {
  // It is decided again after a lost race, on the rows as they came.
  draft.put({ ...row });
  if (row.kind === 'kv') draft.delete(keys.tombstone(row.namespace, row.key));
}

function remove(draft: Draft, row: Row): void {
  if (row.kind === 'kv') removeKey(draft, row);
  else draft.delete(draft.kinds.keyOf(row));
}

/** False when another writer has removed it meanwhile. */
function hasItsParent(draft: Draft, row: Row): boolean {
  switch (row.kind) {
    case 'instance':
    case 'session':
      return row.node === '' || find.node(draft, row.node) !== undefined;
    case 'check':
      return row.instance === '' ? find.node(draft, row.node) !== undefined : find.instance(draft, row.namespace, row.node, row.instance) !== undefined;
    default:
      return true;
  }
}

function hasDependents(draft: Draft, row: Row): boolean {
  switch (row.kind) {
    case 'instance':
      return some(find.checksOfInstance(draft, row.namespace, row.node, row.id));
    case 'session':
      return some(find.heldBySession(draft, row.namespace, row.id));
    case 'node':
      for (const namespace of namespaceNames(draft)) {
        if (some(find.instancesOnNode(draft, namespace, row.name)) || some(find.checksOnNode(draft, namespace, row.name))) return true;
        if (some(find.sessionsOnNode(draft, namespace, row.name))) return true;
      }
      return false;
    default:
      return false;
  }
}

function some(rows: Iterable<Row>): boolean {
  for (const _row of rows) return true;
  return false;
}
