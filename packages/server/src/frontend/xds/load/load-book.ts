/**
 * What clients report of the load that they put on services: requests in progress and finished, by service and locality, summed over the clients.
 * Pure but for what it is told. It forgets a client when its stream ends.
 */

import type { ZoneLoad } from '../../../clients/zone-loads.ts';

/** Of one locality of a service, from one client, since its last report. */
export interface Reported {
  readonly namespace: string;
  readonly service: string;
  readonly region: string;
  readonly zone: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly inProgress: number;
}

/** Sums over all clients, since the start. */
export interface Totals {
  succeeded: number;
  failed: number;
  dropped: number;
}

/** Localities that one client may report; more are not kept. */
export const localitiesMax = 10_000;

export class LoadBook {
  readonly totals: Totals = { succeeded: 0, failed: 0, dropped: 0 };
  /** Requests in progress by locality, for each client. */
  readonly #clients = new Map<object, Map<string, number>>();
  readonly #inProgress = new Map<string, number>();

  /** Requests that clients have under way now, as far as their reports say. */
  get inProgress(): number {
    let all = 0;
    for (const count of this.#inProgress.values()) all += count;
    return all;
  }

  /** The localities to which clients have requests under way. */
  *loads(): Generator<ZoneLoad, void, undefined> {
    for (const [key, inProgress] of this.#inProgress) {
      const [namespace = '', service = '', region = '', zone = ''] = key.split('\0');
      yield { namespace, service, region, zone, inProgress };
    }
  }

  /** @param client any object that stands for it until `forget` */
  hear(client: object, reports: readonly Reported[], dropped: number): void {
    this.totals.dropped += dropped;
    let own = this.#clients.get(client);
    if (own === undefined) this.#clients.set(client, (own = new Map()));
    // A service has several clusters while it has a canary.
    const inProgress = new Map<string, number>();
    for (const report of reports) {
      this.totals.succeeded += report.succeeded;
      this.totals.failed += report.failed;
      const key = keyOf(report);
      inProgress.set(key, (inProgress.get(key) ?? 0) + report.inProgress);
    }
    for (const [key, count] of inProgress) if (own.size < localitiesMax || own.has(key)) this.#set(own, key, count);
  }

  forget(client: object): void {
    const own = this.#clients.get(client);
    if (own === undefined) return;
    for (const key of [...own.keys()]) this.#set(own, key, 0);
    this.#clients.delete(client);
  }

  #set(own: Map<string, number>, key: string, count: number): void {
    const all = (this.#inProgress.get(key) ?? 0) + count - (own.get(key) ?? 0);
    if (count === 0) own.delete(key);
    else own.set(key, count);
    if (all <= 0) this.#inProgress.delete(key);
    else this.#inProgress.set(key, all);
  }
}

function keyOf({ namespace, service, region, zone }: Pick<Reported, 'namespace' | 'service' | 'region' | 'zone'>): string {
  return `${namespace}\0${service}\0${region}\0${zone}`;
}
