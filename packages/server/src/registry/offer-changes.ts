/**
 * By how much changes of instances change the counts of `ServiceIndex`: how many instances a service has,
 * and how many offer each of its tags.
 */

import type { InstanceRow } from './rows.ts';
import { offersTheSame } from './service-index.ts';

interface Change {
  instances: number;
  readonly tags: Map<string, number>;
}

export class OfferChanges {
  readonly #services = new Map<string, Change>();

  /** Follows one instance row; either side may be absent. */
  follow(before: InstanceRow | undefined, after: InstanceRow | undefined): void {
    if (before !== undefined && after !== undefined && offersTheSame(before, after)) return;
    if (before !== undefined) this.#add(before, -1);
    if (after !== undefined) this.#add(after, 1);
  }

  #add({ service, tags }: InstanceRow, by: 1 | -1): void {
    let change = this.#services.get(service);
    if (change === undefined) this.#services.set(service, (change = { instances: 0, tags: new Map() }));
    change.instances += by;
    for (const tag of new Set(tags)) change.tags.set(tag, (change.tags.get(tag) ?? 0) + by);
  }

  /** Services that were touched, though their counts may be what they were. */
  [Symbol.iterator](): Iterator<[service: string, change: { readonly instances: number; readonly tags: ReadonlyMap<string, number> }]> {
    return this.#services[Symbol.iterator]();
  }

  get(service: string): { readonly instances: number; readonly tags: ReadonlyMap<string, number> } | undefined {
    return this.#services.get(service);
  }
}
