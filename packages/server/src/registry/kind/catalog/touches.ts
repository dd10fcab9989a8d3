/**
 * Changes in the catalog's views that do not follow from one of their rows: a service or a tag enters or leaves the list of
 * services, or the instance of a check gets another service or other tags, which are shown with the check.
 *
 * On an engine with other writers the draft also expects an instance that is counted (docs/decisions/0037).
 */

import type { Draft } from '../../draft.ts';
import { markerKey } from '../../markers.ts';
import type { Indexed, Lookup, Touches, ViewSet } from '../../room.ts';
import type { AnyRow } from '../../row.ts';
import { checksOfInstance } from './find.ts';
import { catalogBuckets } from './keys.ts';
import { OfferChanges, type OfferChange } from './offer-changes.ts';
import { offersTheSame } from './offers.ts';
import type { InstanceRow } from './rows.ts';
import { servicesOf, type ServiceIndex } from './service-index.ts';
import { checksView, serviceView, servicesView } from './views.ts';

/** Instances of a service that are looked at for one that has a tag. */
const witnessesMax = 64;

export class CatalogTouches implements Touches {
  readonly #base: Lookup;
  readonly #services: ServiceIndex;
  readonly #draft: Draft;
  readonly #offers = new OfferChanges();

  constructor(base: Lookup & Indexed, draft: Draft) {
    this.#base = base;
    this.#services = servicesOf(base);
    this.#draft = draft;
  }

  follow(before: AnyRow | undefined, after: AnyRow | undefined, views: ViewSet): void {
    if ((before ?? after)?.kind !== 'instance') return;
    this.#followInstance(before as InstanceRow | undefined, after as InstanceRow | undefined, views);
  }

  #followInstance(before: InstanceRow | undefined, after: InstanceRow | undefined, views: ViewSet): void {
    this.#offers.follow(before, after);
    if (before === undefined || after === undefined || offersTheSame(before, after)) return;
    for (const _check of checksOfInstance(this.#draft, after.namespace, after.node, after.id)) {
      views.add(checksView(after.namespace));
      return;
    }
  }

  finish(views: ViewSet): void {
    const draft = this.#draft;
    for (const change of this.#offers.all()) {
      const { namespace, service, instances } = change;
      if (this.#changesList(change) || (draft.guarded && !relyOnCounts(change, draft))) views.add(servicesView(namespace));
      const comes = instances > 0 && this.#services.instancesOf(namespace, service) === 0;
      const view = serviceView(namespace, service);
      // Written again, so that another writer does not prune it as the marker of a view without content.
      if (draft.guarded && comes && this.#base.get(markerKey(view)) !== undefined) views.add(view);
    }
  }

  #changesList({ namespace, service, instances, tags }: OfferChange): boolean {
    if (appearsOrGoes(this.#services.instancesOf(namespace, service), instances)) return true;
    for (const [tag, by] of tags) {
      if (appearsOrGoes(this.#services.instancesWithTag(namespace, service, tag), by)) return true;
    }
    return false;
  }
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
  for (const row of draft.unguardedBucket(catalogBuckets.instancesOfService(namespace, service)) as Iterable<InstanceRow>) {
    if (!needsAny && open.size === 0) return true;
    // A row that this transaction writes does not prove that another one exists.
    if (row.modified === 0) continue;
    if (++looked > witnessesMax) return false;
    const found = row.tags.filter((tag) => open.delete(tag));
    if (needsAny || found.length > 0) draft.get(draft.kinds.keyOf(row));
    needsAny = false;
  }
  return !needsAny && open.size === 0;
}
