/** Which heads (`heads.ts`) a batch of writes puts, derived from the rows before and after like markers of views. */

import type { Draft } from './draft.ts';
import { headOf, headOfBucket } from './heads.ts';
import { bucketsOf, type Reader } from './reader.ts';
import { keys, type Row } from './rows.ts';

/**
 * Adds the heads that the draft's writes need, and removes those of sets that go with what they belong to.
 * @param base what the draft stands on: the committed state
 */
export function touchHeads(base: Reader, draft: Draft): void {
  const entered = new Set<string>();
  for (const [key, after] of draft.puts()) addHeadsEntered(base.get(key), after, entered);
  for (const key of draft.deletes()) {
    const head = ownHead(base.get(key));
    if (head !== undefined && !entered.has(head) && base.get(keys.head(head)) !== undefined) draft.forget(keys.head(head));
  }
  for (const head of entered) draft.mark(keys.head(head), { kind: 'head', of: head, created: 0, modified: 0 });
}

function addHeadsEntered(before: Row | undefined, after: Row, heads: Set<string>): void {
  const was = before === undefined ? [] : bucketsOf(before);
  for (const bucket of bucketsOf(after)) {
    const head = was.includes(bucket) ? undefined : headOfBucket(bucket);
    if (head !== undefined) heads.add(head);
  }
}

/** The head of the set that goes when the row goes. */
function ownHead(row: Row | undefined): string | undefined {
  if (row?.kind === 'node') return headOf.node(row.name);
  if (row?.kind === 'instance' && row.node === '') return headOf.withoutNode(row.namespace, row.id);
  return row?.kind === 'session' ? headOf.session(row.namespace, row.id) : undefined;
}
