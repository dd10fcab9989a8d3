/**
 * Which markers a batch of writes needs, derived from the rows before and after, and never from the
 * commands that caused them: a new kind of command cannot forget a view. A view needs a marker when it stops
 * showing a row, and when something changes in it that none of its rows tells; otherwise the revisions of
 * its rows say when it changed (`view-revisions.ts`).
 *
 * On an engine with other writers the draft also expects what these markers follow from: services on a node by the node's
 * head, counts of the catalog by an instance that is counted (docs/decisions/0037).
 */

import type { Draft } from './draft.ts';
import { headOf } from './heads.ts';
import { OfferChanges, type OfferChange } from './kind/catalog/offer-changes.ts';
import { buckets, find } from './reader.ts';
import { addViewsOf, keepsItsViews } from './row-views.ts';
import { keyOf, keys, type InstanceRow, type Row } from './rows.ts';
import { offersTheSame } from './kind/catalog/service-index.ts';
import type { State } from './state.ts';
import { parseView, viewOf } from './view-name.ts';

/** Instances of a service that are looked at for one that has a tag. */
const witnessesMax = 64;

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
  addChangedCatalogs(offers, { base, draft, views });
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
  // They are shown by every service on the node.
  if (before.kind === 'node') draft.relyOn(headOf.node(before.name));
  else if (before.kind === 'check' && before.instance === '') draft.relyOn(headOf.node(before.node));
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
function addChangedCatalogs(offers: OfferChanges, { base, draft, views }: Pick<Touching, 'base' | 'draft' | 'views'>): void {
  for (const change of offers.all()) {
    const { namespace, service, instances } = change;
    if (changesCatalog(change, base) || (draft.guarded && !relyOnCounts(change, draft))) views.add(viewOf.services(namespace));
    const comes = instances > 0 && base.services.instancesOf(namespace, service) === 0;
    const view = viewOf.service(namespace, service);
    // Put anew, so that another writer does not forget it as that of a view without content.
    if (draft.guarded && comes && base.get(keys.view(view)) !== undefined) views.add(view);
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

/**
 * The catalog does not change if other instances of the service, and with each of the tags, are left. Expects some of them to
 * stay as they are.
 * @returns false when none was found soon enough; then the catalog counts as changed
 */
function relyOnCounts({ namespace, service, instances, tags }: OfferChange, draft: Draft): boolean {
  const open = new Set<string>();
  for (const [tag, by] of tags) if (by !== 0) open.add(tag);
  let needsAny = instances !== 0;
  let looked = 0;
  for (const row of draft.unguardedBucket(buckets.instancesOfService(namespace, service)) as Iterable<InstanceRow>) {
    if (!needsAny && open.size === 0) return true;
    // What this transaction writes is no witness for what is there without it.
    if (row.modified === 0) continue;
    if (++looked > witnessesMax) return false;
    const found = row.tags.filter((tag) => open.delete(tag));
    if (needsAny || found.length > 0) draft.get(keyOf(row));
    needsAny = false;
  }
  return !needsAny && open.size === 0;
}
