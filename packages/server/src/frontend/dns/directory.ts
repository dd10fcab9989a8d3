/**
 * Finds the node, service or address that a name stands for. DNS ignores the case of names (RFC 4343), the registry
 * does not. Each result has a stamp: as long as it stays the same, an encoded answer stays valid. Rows that the token of
 * DNS may not read are not found.
 */

import { LRUCache } from 'lru-cache';
import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { coordinatesView } from '../../registry/kind/coordinate/views.ts';
import type { PreparedService } from '../../registry/kind/query/rows.ts';
import { PreparedQueries, type FoundQuery } from '../../registry/kind/query/lookup.ts';
import { findNode } from '../../registry/kind/catalog/find.ts';
import type { NodeRow } from '../../registry/kind/catalog/rows.ts';
import { nodesView, serviceRecordView, serviceView } from '../../registry/kind/catalog/views.ts';
import { findNamespace } from '../../registry/kind/namespace/find.ts';
import type { Registry } from '../../registry/registry.ts';
import { openAccess, type NameAccess } from './access.ts';
import { addressDigits } from './address.ts';
import type { Holder, Readable } from './address-index.ts';
import { CatalogIndex } from './catalog-index.ts';
import { lowerCase } from './host-name.ts';
import type { Asked } from './names.ts';
import { LazyIndex, type Reading, type Revision } from './lazy-index.ts';
import { preparedQueryInstances, serviceInstances, type HealthyInstances } from './healthy-instances.ts';
import { ttlOf } from './ttls.ts';
import type { Zone } from './zone.ts';

/** The result of a lookup. Read it in the same turn of the event loop: its rows may be replaced after that. */
export type Subject = {
  readonly stamp: string;
  /** The index was behind the registry: look it up again for the next question, even if no row has changed. */
  readonly behind: boolean;
} & (
  | {
      readonly kind: 'service';
      readonly service: string;
      readonly healthy: HealthyInstances;
      readonly tag: string;
      /** Seconds; undefined unless a prepared query sets it. */
      readonly ttl?: number | undefined;
      /** The answer depends on the client, so it must not be kept for others. */
      readonly personal?: boolean;
    }
  | { readonly kind: 'node'; readonly node: NodeRow }
  | { readonly kind: 'address'; readonly digits: string }
  /** The first node or service at the address that may be told. */
  | { readonly kind: 'reverse'; readonly holder: Holder | undefined }
  | { readonly kind: 'apex' }
  | { readonly kind: 'between' }
  | { readonly kind: 'nothing' }
);

const fixed = { stamp: '', behind: false } as const;
const nothing: Subject = { kind: 'nothing', ...fixed };
const nothingYet: Subject = { ...nothing, behind: true };

/** Approximate memory for lists of healthy instances: enough for a hundred thousand instances. */
const indexBytesMax = 33_554_432;
const instanceBytes = 160;
const indexBytes = 1_000;

/** Keeps the lists that were asked for last. One that takes more than half of the memory is not kept. */
function indexCache(): LRUCache<string, KeptIndex> {
  return new LRUCache({
    maxSize: indexBytesMax,
    maxEntrySize: indexBytesMax / 2,
    sizeCalculation: ({ weight }) => weight,
  });
}

interface KeptIndex {
  readonly healthy: LazyIndex<HealthyInstances>;
  /** The revision of the list when it was weighed. */
  readonly stamp: Revision;
  readonly weight: number;
}

export class Directory {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #zone: Zone;
  readonly #datacenter: string;
  readonly #access: NameAccess;
  /** The epoch of the access when the lists were made. */
  #epoch = 0;
  readonly #index: CatalogIndex;
  readonly #readable: Readable;
  #kept = indexCache();
  readonly #queries: PreparedQueries;

  constructor(registry: Registry, clock: Clock, zone: Zone, access: NameAccess = openAccess()) {
    this.#registry = registry;
    this.#clock = clock;
    this.#zone = zone;
    this.#datacenter = lowerCase(zone.datacenter);
    this.#access = access;
    this.#queries = new PreparedQueries(registry);
    this.#index = new CatalogIndex(registry);
    this.#readable = {
      node: (namespace, name) => access.reads(namespace, 'node', name),
      service: (namespace, name) => access.reads(namespace, 'service', name),
    };
  }

  /** Fills the index of names, over some turns of the event loop. Await it before the first question. */
  prepare(): Promise<void> {
    return this.#index.gather();
  }

  /** Fills the index of addresses, once, in the same way. */
  prepareAddresses(): Promise<void> {
    return this.#index.gatherAddresses();
  }

  /** Stops following the registry. */
  close(): void {
    this.#index.close();
  }

  /**
   * @param address of the client, for prepared queries near it; empty when it is not known
   * @returns undefined when the result depends on addresses, and `prepareAddresses` is not done
   */
  subjectOf(asked: Asked, address = ''): Subject | undefined {
    if (this.#access.epoch !== this.#epoch) this.#forget();
    switch (asked.kind) {
      case 'service':
        return this.#isHere(asked.datacenter) ? this.#service(this.#namespaceOf(asked), asked.service, asked.tag) : nothing;
      case 'node':
        return this.#isHere(asked.datacenter) ? this.#node(asked.node) : nothing;
      case 'address':
        return { kind: 'address', digits: asked.digits, ...fixed };
      case 'reverse':
        return this.#reverse(asked.digits);
      case 'apex':
        return { kind: 'apex', ...fixed };
      case 'between':
        return this.#isHere(asked.datacenter) ? { kind: 'between', ...fixed } : nothing;
      case 'query':
        return this.#isHere(asked.datacenter) ? this.#query(this.#namespaceOf(asked), asked.query, address) : nothing;
      case 'unknown':
      case 'foreign':
        return nothing;
    }
  }

  #forget(): void {
    this.#epoch = this.#access.epoch;
    this.#kept = indexCache();
  }

  #isHere(datacenter: string): boolean {
    return datacenter === '' || datacenter === this.#datacenter;
  }

  /** Finds a namespace by its name in any case; returns the name unchanged when there is none. */
  #namespaceOf({ namespace }: { readonly namespace: string }): string {
    if (namespace === defaultNamespace || findNamespace(this.#registry.state, namespace) !== undefined) return namespace;
    return this.#index.namespaces.get('', namespace)[0] ?? namespace;
  }

  #service(namespace: string, service: string, tag: string): Subject {
    if (!this.#hasService(namespace, service)) return this.#index.behind ? nothingYet : nothing;
    const { index: healthy, revision: stamp, behind } = this.#instancesOf(`${namespace}\0${service}`, () => this.#serviceInstances(namespace, service));
    return { kind: 'service', service, healthy, tag, stamp: String(stamp), behind: behind || this.#index.behind };
  }

  /** A prepared query finds instances of a service like a service name does, with its own filter, order and time to live. */
  #query(own: string, name: string, address: string): Subject | undefined {
    const found = this.#queryNamed(own, name);
    if (found === undefined) return nothing;
    const { service: wanted, ttl } = found.query;
    const { namespace = own } = wanted;
    const service = lowerCase(wanted.name);
    if (!this.#hasService(namespace, wanted.name)) return this.#index.behind ? nothingYet : nothing;
    const personal = wanted.near === '_ip';
    const near = this.#sourceOf(wanted.near, address);
    if (near === undefined) return undefined;
    // All names that a template turns into the same query share one list, and so do all clients on one node.
    const key = `query\0${namespace}\0${JSON.stringify(wanted)}\0${near}`;
    const { index: healthy, revision, behind } = this.#instancesOf(key, () => this.#preparedQueryInstances(namespace, wanted, near));
    const stamp = `${key}\0${ttl}\0${revision}`;
    return { kind: 'service', service, healthy, tag: '', ttl: ttlOf(ttl), personal, stamp, behind: behind || this.#index.behind };
  }

  /** The node that the nearest instances are sorted by; empty for no order, undefined while addresses are not read. */
  #sourceOf(near: string, address: string): string | undefined {
    if (near === '_agent') return this.#zone.node.name;
    if (near !== '_ip') return near;
    const { addresses } = this.#index;
    if (addresses === undefined) return undefined;
    const holder = addresses.find(addressDigits(address) ?? '', this.#readable);
    return holder?.of === 'node' ? holder.name : '';
  }

  #queryNamed(namespace: string, name: string): FoundQuery | undefined {
    try {
      return this.#queries.find(namespace, name);
    } catch (error) {
      // Clients choose names: one may exceed what a template accepts, or be the id of a template.
      if (isRegistryError(error)) return undefined;
      throw error;
    }
  }

  #hasService(namespace: string, name: string): boolean {
    return servicesOf(this.#registry.state).has(namespace, name) || this.#index.services.get(namespace, name).length > 0;
  }

  #instancesOf(key: string, make: () => LazyIndex<HealthyInstances>): Reading<HealthyInstances> {
    const kept = this.#kept.get(key);
    const rebuilt = kept?.healthy ?? make();
    const reading = rebuilt.read();
    const { index, revision } = reading;
    if (revision !== kept?.stamp) {
      const weight = index.size * instanceBytes + indexBytes + key.length;
      this.#kept.set(key, { healthy: rebuilt, stamp: revision, weight });
    }
    return reading;
  }

  #serviceInstances(namespace: string, service: string): LazyIndex<HealthyInstances> {
    const { state } = this.#registry;
    const { domain, datacenter, onlyPassing } = this.#zone;
    const names = () => this.#namesOf(namespace, service);
    const readsNode = this.#nodeReader(namespace);
    const build = () => serviceInstances(state, { namespace, names: names(), domain, datacenter, onlyPassing, readsNode });
    return new LazyIndex(this.#clock, () => this.#revisionOf(namespace, names()), build);
  }

  #preparedQueryInstances(namespace: string, wanted: PreparedService, near: string): LazyIndex<HealthyInstances> {
    const { state, views } = this.#registry;
    const { domain, datacenter } = this.#zone;
    const names = () => this.#namesOf(namespace, wanted.name);
    const readsNode = this.#nodeReader(namespace);
    // The order depends on the coordinates of nodes.
    const orderedBy = [coordinatesView(), nodesView()];
    const order = () => (near === '' ? '' : `\0${orderedBy.map((view) => views.revision(view)).join()}`);
    const build = () => preparedQueryInstances(state, { namespace, wanted, near, names: names(), domain, datacenter, readsNode });
    return new LazyIndex(this.#clock, () => this.#revisionOf(namespace, names()) + order(), build);
  }

  /** The services of the namespace that have this name in any case and may be told. */
  #namesOf(namespace: string, service: string): readonly string[] {
    const { state } = this.#registry;
    const others = this.#index.services.get(namespace, service).filter((name) => name !== service);
    const all = servicesOf(state).has(namespace, service) ? [service, ...others] : others;
    return all.filter((name) => this.#access.reads(namespace, 'service', name));
  }

  /** An instance without a node may be told to each reader of its service. */
  #nodeReader(namespace: string): (node: string) => boolean {
    return (node) => node === '' || this.#access.readsAllNodes(namespace) || this.#access.reads(namespace, 'node', node);
  }

  #revisionOf(namespace: string, services: readonly string[]): string {
    const { views } = this.#registry;
    // If some nodes may not be told, the answer depends on the rules as well.
    const who = this.#access.readsAllNodes(namespace) ? '' : `\0${this.#access.epoch}`;
    // Its record may have a threshold below which all instances serve.
    const revisions = (name: string) => [serviceView(namespace, name), serviceRecordView(namespace, name)].map((view) => views.revision(view));
    return services.map((name) => `${name}\0${revisions(name).join()}`).join('\0') + who;
  }

  #node(name: string): Subject {
    const { state } = this.#registry;
    const mayBeTold = (node: string) => this.#access.reads(defaultNamespace, 'node', node);
    const exact = findNode(state, name);
    if (exact !== undefined && mayBeTold(name)) return nodeSubject(exact, false);
    const node = findNode(state, this.#index.nodes.get('', name).find(mayBeTold) ?? '');
    const { behind } = this.#index;
    if (node === undefined) return behind ? nothingYet : nothing;
    return nodeSubject(node, behind);
  }

  #reverse(digits: string): Subject | undefined {
    const { addresses } = this.#index;
    if (addresses === undefined) return undefined;
    const holder = addresses.find(digits, this.#readable);
    return { kind: 'reverse', holder, stamp: JSON.stringify(holder ?? ''), behind: this.#index.behind };
  }
}

function nodeSubject(node: NodeRow, behind: boolean): Subject {
  return { kind: 'node', node, stamp: `${node.name}\0${node.modified}`, behind };
}
