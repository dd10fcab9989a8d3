/**
 * A restore in steps, for an engine whose transactions are small: first every row of the backup is put, then every row that is
 * not in it is removed. So each state in between has the old rows, the restored ones, or both, and no row without the ones that
 * it depends on. After a crash in the middle, the same restore does the rest. Markers and tombstones are not restored: the
 * floor replaces all of them.
 */

import type { Restore } from './command.ts';
import type { Draft } from './draft.ts';
import type { KindTable } from './kind-table.ts';
import type { FloorRow } from './markers.ts';
import { Removal } from './removal.ts';
import type { Kind } from './room.ts';
import { kindOf, type AnyRow } from './row.ts';
import { wasThere, type Steps } from './steps.ts';

/**
 * The command that restores the content of a backup.
 * @param restored every row of the backup that belongs to the registry
 * @param present every present row
 * @param floor a revision that the registry has reached: views without rows stand at it
 */
export function restoreCommand(kinds: KindTable, restored: readonly AnyRow[], present: Iterable<AnyRow>, floor: number): Restore {
  const isRestored = (row: AnyRow) => kinds.of(row).notRestored !== true;
  const rows = restored.filter(isRestored);
  const kept = new Set(rows.map((row) => kinds.keyOf(row)));
  const gone = Array.from(present).filter((row) => isRestored(row) && !kept.has(kinds.keyOf(row)));
  const rank = ranks(kinds, [...rows, ...gone]);
  const floorRow: FloorRow = { kind: 'floor', revision: floor, restored: floor, created: 0, modified: 0 };
  return {
    kind: 'restore',
    rows: [floorRow, ...rows.toSorted((a, b) => rank(a) - rank(b))],
    gone: gone.toSorted((a, b) => rank(b) - rank(a)).map((row) => kinds.keyOf(row)),
  };
}

/**
 * An order of kinds in which each comes after those of the rows that its own rows depend on. Rows of namespaces come after
 * the others, among which are the namespaces.
 */
function ranks(kinds: KindTable, rows: readonly AnyRow[]): (row: AnyRow) => number {
  const parents = new Map<string, Set<string>>();
  const inNamespaces = new Set<string>();
  for (const row of rows) {
    let known = parents.get(row.kind);
    if (known === undefined) parents.set(row.kind, (known = new Set()));
    for (const key of kinds.of(row).parents?.(row) ?? []) known.add(kindOf(key));
    if (row.namespace !== undefined) inNamespaces.add(row.kind);
  }
  const ranked = new Map<string, number>();
  const rankOf = (kind: string): number => {
    const before = ranked.get(kind);
    if (before !== undefined) return before;
    const least = inNamespaces.has(kind) ? 1 : 0;
    // Kinds do not depend on each other in a ring; this would end one.
    ranked.set(kind, least);
    const rank = Math.max(least, ...Array.from(parents.get(kind) ?? [], (parent) => 1 + rankOf(parent)));
    ranked.set(kind, rank);
    return rank;
  };
  return ({ kind }) => rankOf(kind);
}

export function* restoreInSteps(draft: Draft, { rows, gone, from = 0, asOf }: Restore, now: number): Steps<boolean> {
  for (let at = from; at < rows.length; at++) {
    put(draft, rows[at] as AnyRow);
    yield () => ({ from: at + 1 });
  }
  const removal = new Removal(draft, now);
  for (let at = Math.max(from, rows.length); at < rows.length + gone.length; at++) {
    const row = draft.get(gone[at - rows.length] as string);
    // Rows that others write meanwhile come after the restore, and keep the rows that they depend on.
    if (row !== undefined && wasThere(row.modified, asOf) && !hasDependents(draft, row)) {
      for (const _ of removal.remove(row)) yield () => ({ from: at });
    }
    yield () => ({ from: at + 1 });
  }
  return true;
}

/** Another writer may meanwhile have removed a row that this one depends on. */
function put(draft: Draft, restored: AnyRow): void {
  const kind = draft.kinds.of(restored) as Restorable;
  const orphaned = kind.parents?.(restored).some((key) => draft.get(key) === undefined) === true;
  const row = orphaned ? kind.withoutParents?.(restored) : restored;
  if (row === undefined) return;
  // It is decided again after a lost race, on the rows as they came.
  draft.put({ ...row });
  kind.restored?.(row, draft);
}

/** The part of a kind's description that is called here. */
interface Restorable extends Kind {
  restored?(row: AnyRow, draft: Draft): void;
}

/** Rows that no restore puts are no reason to keep another one. */
function hasDependents(draft: Draft, row: AnyRow): boolean {
  for (const each of draft.kinds.of(row).dependents?.(row, draft) ?? []) if (draft.kinds.of(each).notRestored !== true) return true;
  return false;
}
