/** The services and tags of a namespace as they were at the revision of a frozen state. */

import type { Frozen } from '../../frozen.ts';
import type { OfferChanges } from './offer-changes.ts';
import { servicesOf } from './service-index.ts';

/** The services of a namespace that have an instance, in order. */
export function servicesAt(frozen: Frozen, namespace: string): readonly string[] {
  const services = servicesOf(frozen);
  const names = [...services.names(namespace)];
  const changed = frozen.notes('catalog') as OfferChanges | undefined;
  if (changed === undefined) return names;
  const had = (name: string) => instancesAt(frozen, namespace, name) > 0;
  const gone: string[] = [];
  for (const change of changed.all()) {
    if (change.namespace === namespace && !services.has(namespace, change.service)) gone.push(change.service);
  }
  return [...names, ...gone].filter(had).sort();
}

/** The tags of a service's instances, each once, in order. */
export function tagsAt(frozen: Frozen, namespace: string, service: string): readonly string[] {
  const services = servicesOf(frozen);
  const tags = [...services.tagsOf(namespace, service)];
  const changed = (frozen.notes('catalog') as OfferChanges | undefined)?.get(namespace, service)?.tags;
  if (changed === undefined) return tags;
  const withTag = (tag: string) => services.instancesWithTag(namespace, service, tag);
  const gone = [...changed.keys()].filter((tag) => withTag(tag) === 0);
  return [...tags, ...gone].filter((tag) => withTag(tag) + (changed.get(tag) ?? 0) > 0).sort();
}

/** How many instances of a service had a tag. */
export function instancesWithTagAt(frozen: Frozen, { namespace, service, tag }: { readonly namespace: string; readonly service: string; readonly tag: string }): number {
  const changed = (frozen.notes('catalog') as OfferChanges | undefined)?.get(namespace, service)?.tags.get(tag) ?? 0;
  return servicesOf(frozen).instancesWithTag(namespace, service, tag) + changed;
}

/** How many instances a service had. */
export function instancesAt(frozen: Frozen, namespace: string, service: string): number {
  const changed = frozen.notes('catalog') as OfferChanges | undefined;
  return servicesOf(frozen).instancesOf(namespace, service) + (changed?.get(namespace, service)?.instances ?? 0);
}
