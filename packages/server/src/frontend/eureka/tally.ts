/**
 * Counts the instances of each status, and makes of them the hash by which clients check their copy of the registry
 * (`Applications.getReconcileHashCode`): `DOWN_2_UP_40_`, statuses in alphabetical order, those without instances left out.
 *
 * The counts of a service are kept under the revision of its view, so that a hash costs what has changed, not what is there.
 */

import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { instancesOfService } from '../../registry/kind/catalog/find.ts';
import { serviceView } from '../../registry/kind/catalog/views.ts';
import type { Views } from '../../registry/views.ts';
import { isListed } from './instances.ts';
import { namespace } from './names.ts';
import { isUnknown, statusOf } from './translate.ts';
import type { EurekaStatus } from './wire/instance-info.ts';

export type Counts = Readonly<Partial<Record<EurekaStatus, number>>>;

const alphabetical = ['DOWN', 'OUT_OF_SERVICE', 'STARTING', 'UNKNOWN', 'UP'] as const satisfies readonly EurekaStatus[];

export function hashOf(counts: Counts): string {
  return alphabetical.map((status) => (counts[status] === undefined ? '' : `${status}_${counts[status]}_`)).join('');
}

export function count(counts: Partial<Record<EurekaStatus, number>>, status: EurekaStatus, by = 1): void {
  counts[status] = (counts[status] ?? 0) + by;
}

const unitsPerService = 1;
const unitsPerInstance = 1;

export class Tally {
  readonly #views: Views;
  readonly #pace: Pace;
  #known = new Map<string, { readonly revision: number; readonly counts: Counts }>();

  constructor(views: Views, pace: Pace) {
    this.#views = views;
    this.#pace = pace;
  }

  /** Forgets the counts of services that are not among these. */
  keepOnly(services: ReadonlySet<string>): void {
    if (this.#known.size <= services.size) return;
    for (const service of this.#known.keys()) if (!services.has(service)) this.#known.delete(service);
  }

  /** Counts the instances of some services, as they were at the moment. */
  *count(frozen: Frozen, services: Iterable<string>): Work<Counts> {
    const counts: Partial<Record<EurekaStatus, number>> = {};
    for (const service of services) {
      const of = yield* this.#ofService(frozen, service);
      for (const status of alphabetical) if (of[status] !== undefined) count(counts, status, of[status]);
      if (this.#pace.spend(unitsPerService)) yield;
    }
    return counts;
  }

  *#ofService(frozen: Frozen, service: string): Work<Counts> {
    const revision = this.#views.revision(serviceView(namespace, service));
    const known = this.#known.get(service);
    // A newer view than the moment: its counts are not those of the moment.
    const isCurrent = revision <= frozen.revision;
    if (isCurrent && known?.revision === revision) return known.counts;
    const counts: Partial<Record<EurekaStatus, number>> = {};
    const effective = statuses(frozen);
    for (const row of [...instancesOfService(frozen, namespace, service)]) {
      if (isListed(frozen, row)) count(counts, statusOf(effective(row), isUnknown(row)));
      if (this.#pace.spend(unitsPerInstance)) yield;
    }
    if (isCurrent) this.#known.set(service, { revision, counts });
    return counts;
  }
}
