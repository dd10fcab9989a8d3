/**
 * By how much changes of instances change the counts of `ServiceIndex`: how many instances a service has,
 * and how many offer each of its tags.
 */

import type { IndexNotes } from '../../room.ts';
import type { AnyRow } from '../../row.ts';
import { offersTheSame } from './offers.ts';
import type { InstanceRow } from './rows.ts';

/** What has to be added to the counts of one service. */
export interface OfferChange {
  readonly namespace: string;
  readonly service: string;
  readonly instances: number;
  readonly tags: ReadonlyMap<string, number>;
}

interface Change extends OfferChange {
  instances: number;
  readonly tags: Map<string, number>;
}

export class OfferChanges implements IndexNotes {
  /** By namespace and service, joined by NUL. */
  readonly #services = new Map<string, Change>();

  /** Follows one instance row; either side may be absent. */
  follow(before: InstanceRow | undefined, after: InstanceRow | undefined): void {
    if (before !== undefined && after !== undefined && offersTheSame(before, after)) return;
    if (before !== undefined) this.#add(before, -1);
    if (after !== undefined) this.#add(after, 1);
  }

  /** Follows a change backwards: from the present row to the former one. */
  note(before: AnyRow | undefined, after: AnyRow | undefined): void {
    this.follow(after as InstanceRow | undefined, before as InstanceRow | undefined);
  }

  #add({ namespace, service, tags }: InstanceRow, by: 1 | -1): void {
    const key = nameOf(namespace, service);
    let change = this.#services.get(key);
    if (change === undefined) this.#services.set(key, (change = { namespace, service, instances: 0, tags: new Map() }));
    change.instances += by;
    for (const tag of new Set(tags)) change.tags.set(tag, (change.tags.get(tag) ?? 0) + by);
  }

  /** Services that were touched, though their counts may be unchanged. */
  all(): Iterable<OfferChange> {
    return this.#services.values();
  }

  get(namespace: string, service: string): OfferChange | undefined {
    return this.#services.get(nameOf(namespace, service));
  }
}

function nameOf(namespace: string, service: string): string {
  return `${namespace}\0${service}`;
}
