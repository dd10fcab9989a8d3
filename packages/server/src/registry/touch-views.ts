/**
 * Which markers a batch of writes needs, derived from the rows before and after, and never from the
 * commands that caused them: a new kind of command cannot forget a view. A view needs a marker when it stops
 * showing a row, and when something changes in it that none of its rows tells; otherwise the revisions of
 * its rows say when it changed (`view-revisions.ts`).
 */

import type { Draft } from './draft.ts';
import { OfferChanges, type OfferChange } from './offer-changes.ts';
import { find } from './reader.ts';
import { addViewsOf, keepsItsViews } from './row-views.ts';
import { keys, type InstanceRow, type Row } from './rows.ts';
import { offersTheSame } from './service-index.ts';
import type { State } from './state.ts';
import { parseView, viewOf } from './view-name.ts';

/**
 * Adds the markers that the draft's writes need. Its work follows the writes, and the number of services
 * on a node that changes; never the number of instances.
 *
 * @param base what the draft stands on: the committed state
 */
export function touchViews(base: State, draft: Draft): void {
  const views = new Set<string>();
  const offers = new OfferChanges();
  for (const key of draft.deletes()) {
    const before = base.get(key);
    if (before !== undefined) touch({ views, offers, base, draft }, before, undefined);
  }
  for (const [key, after] of draft.puts()) touch({ views, offers, base, draft }, base.get(key), after);
  addChangedCatalogs(offers, base, views);
  for (const view of views) {
    if (!isPartOf(view, views)) draft.mark(keys.view(view), { kind: 'view', view, created: 0, modified: 0 });
  }
}

interface Touching {
  readonly views: Set<string>;
  readonly offers: OfferChanges;
  readonly base: State;
  readonly draft: Draft;
}

function touch({ views, offers, base, draft }: Touching, before: Row | undefined, after: Row | undefined): void {
  if (before?.kind === 'instance' || after?.kind === 'instance') {
    offers.follow(before as InstanceRow | undefined, after as InstanceRow | undefined);
  }
  if (before === undefined) return;
  if (before.kind === 'instance' && after?.kind === 'instance' && showsOtherwise(draft, before, after)) {
    views.add(viewOf.checks(after.namespace));
  }
  if (after !== undefined && keepsItsViews(before, after)) return;
  const lost = new Set<string>();
  addViewsOf(before, lost, draft, base.services);
  const shown = new Set<string>();
  if (after !== undefined) addViewsOf(after, shown, draft, base.services);
  for (const view of lost) if (!shown.has(view) && !isPartOf(view, shown)) views.add(view);
}

/** Whether a view of a node changes already by what all its views share. */
function isPartOf(view: string, views: ReadonlySet<string>): boolean {
  const { kind, namespace, name } = parseView(view);
  return kind === 'node' && namespace !== '' && views.has(viewOf.sharedNode(name));
}

/** Whether checks of the instance show something else now: its service and its tags are shown with them. */
function showsOtherwise(draft: Draft, before: InstanceRow, after: InstanceRow): boolean {
  if (offersTheSame(before, after)) return false;
  for (const _check of find.checksOfInstance(draft, after.namespace, after.node, after.id)) return true;
  return false;
}

/** Adds the catalogs of namespaces that a service, or a tag of one, comes into or leaves. */
function addChangedCatalogs(offers: OfferChanges, base: State, views: Set<string>): void {
  for (const change of offers.all()) {
    if (changesCatalog(change, base)) views.add(viewOf.services(change.namespace));
  }
}

function changesCatalog({ namespace, service, instances, tags }: OfferChange, { services }: State): boolean {
  if (appearsOrGoes(services.instancesOf(namespace, service), instances)) return true;
  for (const [tag, by] of tags) {
    if (appearsOrGoes(services.instancesWithTag(namespace, service, tag), by)) return true;
  }
  return false;
}

function appearsOrGoes(count: number, by: number): boolean {
  return count > 0 !== count + by > 0;
}
