/**
 * The instances of a group, by service: made of the rows of its members and of what is known of the members. An instance is
 * seen while its owner lives; one that its owner only mirrors (a gateway) also stays when the owner dies without a goodbye. It
 * does no I/O.
 */

import { checkReply, defaultNamespace, type FrameItemKey, type Instance, type ServiceEntry } from '@rollcall/protocol';
import type { MemberState } from './messages.ts';

/** Changes of one service; several at once are one call. */
export interface CatalogChange {
  readonly namespace: string;
  readonly service: string;
  readonly put: readonly Instance[];
  readonly remove: readonly FrameItemKey[];
}

/** What the value of a row says. */
export interface InstanceRow {
  readonly namespace: string;
  readonly instance: Instance;
  /** The owner mirrors it: the instance may live when the owner has died. */
  readonly isMirrored?: boolean;
}

export function rowKey({ namespace, instance }: InstanceRow): string {
  return `${namespace}\n${instance.node}\n${instance.id}`;
}

export function rowValue(row: InstanceRow): string {
  return JSON.stringify(row);
}

/** @returns undefined for text that is no instance */
export function parseRow(value: string): InstanceRow | undefined {
  let row: unknown;
  try {
    row = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (typeof row !== 'object' || row === null) return undefined;
  const { namespace, instance, isMirrored } = row as Partial<InstanceRow>;
  const service = instance?.service;
  const view = { kind: 'service', name: service, namespace };
  const checked = checkReply({ type: 'snapshot', view, revision: 1, items: [instance] });
  if (!checked.ok || instance === undefined || typeof namespace !== 'string') return undefined;
  return { namespace, instance, ...(isMirrored === true && { isMirrored }) };
}

/** One instance as its owners have it: a mirrored one may have several. */
type Claims = Map<string, InstanceRow>;

export class Catalog {
  readonly #changed: (change: CatalogChange) => void;
  readonly #owners = new Map<string, { state: MemberState; readonly rows: Map<string, InstanceRow> }>();
  /** By namespace and service, then by node and id. */
  readonly #services = new Map<string, Map<string, Claims>>();

  constructor(changed: (change: CatalogChange) => void) {
    this.#changed = changed;
  }

  /** @param value undefined: the row was removed */
  row(owner: string, key: string, value: string | undefined): void {
    const of = this.#ownerOf(owner);
    const former = of.rows.get(key);
    const row = value === undefined ? undefined : parseRow(value);
    if (former !== undefined) {
      of.rows.delete(key);
      this.#unclaim(owner, former, row);
    }
    if (row === undefined) return;
    of.rows.set(key, row);
    const before = this.#shown(row);
    this.#claims(row).set(owner, row);
    this.#tell(row, before);
  }

  /** The state of a member has changed. */
  member(owner: string, state: MemberState): void {
    const of = this.#ownerOf(owner);
    const before = Array.from(of.rows.values(), (row) => [row, this.#shown(row)] as const);
    of.state = state;
    for (const [row, shown] of before) this.#tell(row, shown);
  }

  instances(namespace: string, service: string): Instance[] {
    const claims = this.#services.get(serviceKey(namespace, service));
    return Array.from(claims?.values() ?? []).flatMap((each) => this.#first(each) ?? []);
  }

  /** The rows of a namespace whose instances are seen, one for each instance. */
  rows(namespace: string): InstanceRow[] {
    const found: InstanceRow[] = [];
    for (const [key, instances] of this.#services) {
      if (!key.startsWith(`${namespace} `)) continue;
      for (const claims of instances.values()) {
        const shown = this.#first(claims);
        const row = [...claims.values()].find(({ instance }) => instance === shown);
        if (row !== undefined) found.push(row);
      }
    }
    return found;
  }

  /** All services of a namespace that have instances, with their tags. */
  services(namespace: string): ServiceEntry[] {
    const found: ServiceEntry[] = [];
    for (const key of this.#services.keys()) {
      if (!key.startsWith(`${namespace} `)) continue;
      const service = key.slice(namespace.length + 1);
      const instances = this.instances(namespace, service);
      if (instances.length > 0) found.push({ service, tags: [...new Set(instances.flatMap(({ tags }) => tags))].sort() });
    }
    return found.sort((a, b) => (a.service < b.service ? -1 : 1));
  }

  #ownerOf(owner: string): { state: MemberState; readonly rows: Map<string, InstanceRow> } {
    let of = this.#owners.get(owner);
    if (of === undefined) this.#owners.set(owner, (of = { state: 'alive', rows: new Map() }));
    return of;
  }

  #claims({ namespace, instance }: InstanceRow): Claims {
    const service = serviceKey(namespace, instance.service);
    const instances = this.#services.get(service) ?? new Map<string, Claims>();
    this.#services.set(service, instances);
    const key = instanceKey(instance);
    const claims = instances.get(key) ?? new Map<string, InstanceRow>();
    instances.set(key, claims);
    return claims;
  }

  /** @param next the row in its place: without it the readers see no gap */
  #unclaim(owner: string, row: InstanceRow, next: InstanceRow | undefined): void {
    const isReplaced = next !== undefined && next.namespace === row.namespace && next.instance.service === row.instance.service && instanceKey(next.instance) === instanceKey(row.instance);
    if (isReplaced) return;
    const before = this.#shown(row);
    const service = serviceKey(row.namespace, row.instance.service);
    const instances = this.#services.get(service);
    const claims = this.#claims(row);
    claims.delete(owner);
    if (claims.size === 0) instances?.delete(instanceKey(row.instance));
    if (instances?.size === 0) this.#services.delete(service);
    this.#tell(row, before);
  }

  #shown({ namespace, instance }: InstanceRow): Instance | undefined {
    const claims = this.#services.get(serviceKey(namespace, instance.service))?.get(instanceKey(instance));
    return claims === undefined ? undefined : this.#first(claims);
  }

  /** Of several owners the one with the first name counts, so that all members see the same; living ones before dead ones. */
  #first(claims: Claims): Instance | undefined {
    let best: { readonly name: string; readonly rank: number; readonly instance: Instance } | undefined;
    for (const [name, { instance, isMirrored }] of claims) {
      const state = this.#owners.get(name)?.state ?? 'alive';
      const rank = state === 'alive' || state === 'suspect' ? 0 : state === 'dead' && isMirrored === true ? 1 : 2;
      if (rank === 2) continue;
      if (best === undefined || rank < best.rank || (rank === best.rank && name < best.name)) best = { name, rank, instance };
    }
    return best?.instance;
  }

  #tell(row: InstanceRow, before: Instance | undefined): void {
    const now = this.#shown(row);
    if (now === before) return;
    const { namespace, instance } = row;
    const change = { namespace, service: instance.service };
    this.#changed(now === undefined ? { ...change, put: [], remove: [[instance.node, instance.id]] } : { ...change, put: [now], remove: [] });
  }
}

function serviceKey(namespace: string, service: string): string {
  return `${namespace === '' ? defaultNamespace : namespace} ${service}`;
}

function instanceKey({ node, id }: Instance): string {
  return `${node}\n${id}`;
}
