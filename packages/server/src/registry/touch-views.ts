/**
 * Which markers a batch of writes needs, derived from the rows before and after, and never from the
 * commands that caused them: a new kind of command cannot forget a view. A view needs a marker when it stops
 * showing a row, and when it changes although none of its rows does. Otherwise its revision follows from its rows
 * (`view-revisions.ts`). Which views show a row is described by the room of its kind.
 *
 * On an engine with other writers the draft also expects the rows from which these markers follow (docs/decisions/0037).
 */

import type { Draft } from './draft.ts';
import { markerKey } from './markers.ts';
import type { Indexed, Lookup, Touches } from './room.ts';
import type { AnyRow } from './row.ts';

/**
 * Adds the markers that the draft's writes need. Its work follows the writes, and the number of services
 * on a node that changes; never the number of instances.
 *
 * @param base what the draft stands on: the committed state
 */
export function touchViews(base: Lookup & Indexed, draft: Draft): void {
  const views = new Set<string>();
  const touches = draft.kinds.touching.map((room) => room.touches(base, draft));
  const touching: Touching = { views, touches, base, draft };
  for (const key of draft.deletes()) {
    const before = base.get(key);
    if (before !== undefined) touch(touching, before, undefined);
  }
  for (const [key, after] of draft.puts()) touch(touching, base.get(key), after);
  for (const each of touches) each.finish(views);
  for (const view of views) {
    if (!isPartOf(draft, view, views)) draft.mark(markerKey(view), { kind: 'view', view, created: 0, modified: 0 });
  }
}

interface Touching {
  readonly views: Set<string>;
  readonly touches: readonly Touches[];
  readonly base: Lookup & Indexed;
  readonly draft: Draft;
}

function touch({ views, touches, base, draft }: Touching, before: AnyRow | undefined, after: AnyRow | undefined): void {
  for (const each of touches) each.follow(before, after, views);
  if (before === undefined) return;
  const { kinds } = draft;
  if (after !== undefined && kinds.keepsItsViews(before, after)) return;
  const lost = new Set<string>();
  const head = kinds.of(before).viewsHead?.(before);
  if (head !== undefined) draft.relyOn(head);
  kinds.of(before).addViews?.(before, lost, draft, base);
  const shown = new Set<string>();
  if (after !== undefined) kinds.of(after).addViews?.(after, shown, draft, base);
  for (const view of lost) if (!shown.has(view) && !isPartOf(draft, view, shown)) views.add(view);
}

/** Whether a view changes already by a part of it that is among the views. */
function isPartOf({ kinds }: Draft, view: string, views: ReadonlySet<string>): boolean {
  const { parsed, kind } = kinds.view(view);
  const part = kind.partOf?.(parsed);
  return part !== undefined && views.has(part);
}
