/** Finds instances as Eureka's clients name them: by app and id, in a state or a moment of it. */

import type { Registry } from '../../registry/registry.ts';
import type { Lookup } from '../../registry/room.ts';
import { findCheck, findInstance, findNode, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { isRegistrysOwn } from '../../registry/kind/catalog/registrys-own.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { servicesView } from '../../registry/kind/catalog/views.ts';
import { appOf, instanceIdOf, isOwn, leaseId, namespace, rowId, serviceOf } from './names.ts';

/** Whether the lease of an instance has lapsed: Eureka's lists leave it out, as after an eviction. */
export function isLapsed(reader: Lookup, row: InstanceRow): boolean {
  return isOwn(row) && findCheck(reader, namespace, '', leaseId(row.id))?.status === 'critical';
}

/** Whether Eureka's lists have an instance. */
export function isListed(reader: Lookup, row: InstanceRow): boolean {
  return !isRegistrysOwn(row) && !isLapsed(reader, row);
}

/** The address of the node of an instance; empty when it has none. */
export function nodeAddressOf(reader: Lookup, { node }: InstanceRow): string {
  return node === '' ? '' : (findNode(reader, node)?.address ?? '');
}

/** The services of each app, in the order of their names. */
export function byApp(services: Iterable<string>): Map<string, string[]> {
  const apps = new Map<string, string[]>();
  for (const service of services) {
    const app = appOf(service);
    const same = apps.get(app);
    if (same === undefined) apps.set(app, [service]);
    else same.push(service);
  }
  return apps;
}

export class Instances {
  readonly #registry: Registry;
  #apps: { readonly revision: number; readonly services: Map<string, string[]> } | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The services of an app that have instances; more than one when their names differ in case only. */
  servicesOfApp(app: string): readonly string[] {
    const { views, state } = this.#registry;
    const revision = views.revision(servicesView(namespace));
    if (this.#apps?.revision !== revision) this.#apps = { revision, services: byApp(servicesOf(state).names(namespace)) };
    return this.#apps.services.get(app.toUpperCase()) ?? [];
  }

  /** The row of a Eureka client's own registration, whether its lease has lapsed or not. */
  own(app: string, id: string): InstanceRow | undefined {
    const row = findInstance(this.#registry.state, namespace, '', rowId(serviceOf(app), id));
    return row !== undefined && isOwn(row) ? row : undefined;
  }

  /** An instance of any protocol that clients see under this id. */
  shown(app: string, id: string): InstanceRow | undefined {
    const { state } = this.#registry;
    const own = this.own(app, id);
    if (own !== undefined) return isLapsed(state, own) ? undefined : own;
    for (const service of this.servicesOfApp(app)) {
      for (const row of instancesOfService(state, namespace, service)) if (!isOwn(row) && !isRegistrysOwn(row) && instanceIdOf(row) === id) return row;
    }
    return undefined;
  }
}
