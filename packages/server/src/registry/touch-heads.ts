/**
 * Heads: on an engine with other writers, each set of rows that decisions scan has a small record, its head
 * (docs/decisions/0037). A transaction that adds a row to the set puts the head. A transaction whose decision scanned the set
 * expects the head unchanged, and so loses against one that added a row which the scan has missed.
 *
 * A decision reads by key the rows that it uses, so changed and removed rows are expected by themselves. The room of a bucket's
 * rows names its head (`Room.heads`). This file derives the heads that a transaction puts from the rows before and after, like
 * markers of views, and the companions that are removed with its rows. A companion that another node writes at the same moment
 * may remain: it has no effect without its row.
 */

import type { Draft } from './draft.ts';
import type { KindTable } from './kind-table.ts';
import { headKey } from './markers.ts';
import type { Reader } from './reader.ts';
import type { AnyRow } from './row.ts';

/**
 * Adds the heads that the draft's writes need, and removes those of sets that go with what they belong to.
 * @param base what the draft stands on: the committed state
 */
export function touchHeads(base: Reader, draft: Draft): void {
  const entered = new Set<string>();
  for (const [key, after] of draft.puts()) addHeadsEntered(draft.kinds, base.get(key), after, entered);
  for (const key of draft.deletes()) {
    const before = base.get(key);
    const companion = before && draft.kinds.of(before).companion?.(key);
    if (companion !== undefined && base.get(companion) !== undefined) draft.forget(companion);
    const head = before && draft.kinds.of(before).ownHead?.(before);
    if (head !== undefined && !entered.has(head) && base.get(headKey(head)) !== undefined) draft.forget(headKey(head));
  }
  for (const head of entered) draft.mark(headKey(head), { kind: 'head', of: head, created: 0, modified: 0 });
}

function addHeadsEntered(kinds: KindTable, before: AnyRow | undefined, after: AnyRow, heads: Set<string>): void {
  const was = before === undefined ? [] : kinds.bucketsOf(before);
  for (const bucket of kinds.bucketsOf(after)) {
    const head = was.includes(bucket) ? undefined : kinds.headOfBucket(bucket);
    if (head !== undefined) heads.add(head);
  }
}
