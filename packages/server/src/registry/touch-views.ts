/**
 * Which views a batch of writes changes, derived from the rows before and after, and never from
 * the commands that caused them: a new kind of command cannot forget a view.
 */

import type { Draft } from './draft.ts';
import { find, type Reader } from './reader.ts';
import { keys, type InstanceRow, type Row } from './rows.ts';
import { viewOf } from './view-name.ts';

/**
 * Adds the markers of every view that the draft's writes change.
 *
 * @param base what the draft stands on: the committed state
 */
export function touchViews(base: Reader, draft: Draft): void {
  const views = new Set<string>();
  const suspects: InstanceRow[] = [];
  for (const key of draft.deletes()) {
    const before = base.get(key);
    if (before !== undefined) touch(views, suspects, draft, before, undefined);
  }
  for (const [key, after] of draft.puts()) touch(views, suspects, draft, base.get(key), after);
  if (suspects.some((row) => catalogDiffers(base, draft, row))) views.add(viewOf.services());
  for (const view of views) draft.mark(keys.view(view), { kind: 'view', view, created: 0, modified: 0 });
}

function touch(
  views: Set<string>,
  suspects: InstanceRow[],
  draft: Draft,
  before: Row | undefined,
  after: Row | undefined,
): void {
  if (before?.kind === 'instance' && after?.kind === 'instance' && showsOtherwise(draft, before, after)) {
    views.add(viewOf.checks());
  }
  for (const row of [before, after]) {
    switch (row?.kind) {
      case 'node':
        views.add(viewOf.nodes()).add(viewOf.node(row.name));
        for (const instance of find.instancesOnNode(draft, row.name)) {
          views.add(viewOf.service(instance.service));
        }
        break;
      case 'instance':
        views.add(viewOf.service(row.service)).add(viewOf.node(row.node));
        suspects.push(row);
        break;
      case 'check':
        views.add(viewOf.checks()).add(viewOf.node(row.node));
        if (row.instance === '') {
          for (const instance of find.instancesOnNode(draft, row.node)) {
            views.add(viewOf.service(instance.service));
          }
        } else {
          const instance = find.instance(draft, row.node, row.instance);
          if (instance !== undefined) views.add(viewOf.service(instance.service));
        }
        break;
      case 'session':
        views.add(viewOf.sessions());
        break;
      case 'record':
        views.add(viewOf.records(row.type));
        break;
      case 'kv':
      case 'tombstone':
      case 'delay':
      case 'view':
      case 'floor':
      case undefined:
        break;
    }
  }
}

/** Whether checks of the instance show something else now: its service and its tags are shown with them. */
function showsOtherwise(draft: Draft, before: InstanceRow, after: InstanceRow): boolean {
  const same =
    before.service === after.service &&
    before.tags.length === after.tags.length &&
    before.tags.every((tag, index) => tag === after.tags[index]);
  if (same) return false;
  for (const _check of find.checksOfInstance(draft, after.node, after.id)) return true;
  return false;
}

/** Whether the service's presence in the catalog, or that of one of the row's tags, changed. */
function catalogDiffers(base: Reader, draft: Draft, row: InstanceRow): boolean {
  const { service } = row;
  if (offers(base, service, undefined) !== offers(draft, service, undefined)) return true;
  return row.tags.some((tag) => offers(base, service, tag) !== offers(draft, service, tag));
}

function offers(reader: Reader, service: string, tag: string | undefined): boolean {
  for (const instance of find.instancesOfService(reader, service)) {
    if (tag === undefined || instance.tags.includes(tag)) return true;
  }
  return false;
}
