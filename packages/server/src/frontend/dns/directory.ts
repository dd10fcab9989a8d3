/**
 * Finds what a name means among what is registered: names of the DNS know no case (RFC 4343), names
 * of the registry do; and addresses lead back to names. What is found comes with a stamp that
 * changes when, and only when, the answer may: it decides how long an encoded answer is good.
 * What may not be told is not found.
 */

import { LRUCache } from 'lru-cache';
import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { coordinateType } from '../../registry/kind/coordinate/coordinate.ts';
import type { PreparedService } from '../../registry/kind/query/query.ts';
import { PreparedQueries, type FoundQuery } from '../../registry/kind/query/lookup.ts';
import { find } from '../../registry/reader.ts';
import type { Registry } from '../../registry/registry.ts';
import { noNamespace, type NodeRow } from '../../registry/rows.ts';
import { viewOf } from '../../registry/view-name.ts';
import { openAccess, type NameAccess } from './access.ts';
import { addressDigits } from './address.ts';
import type { Holder, Readable } from './address-index.ts';
import { CatalogIndex } from './catalog-index.ts';
import { lowerCase } from './host-name.ts';
import type { Asked } from './names.ts';
import { Rebuilt, type Reading, type Revision } from './rebuilt.ts';
import { queryRosterOf, rosterOf, type Roster } from './roster.ts';
import { ttlOf } from './ttls.ts';
import type { Zone } from './zone.ts';

/** What a question is about. Read it at once: rows are good for one turn only. */
export type Subject = {
  readonly stamp: string;
  /** It comes from an index that is behind: ask again next time, even if nothing changes until then. */
  readonly behind: boolean;
} & (
  | {
      readonly kind: 'service';
      readonly service: string;
      readonly roster: Roster;
      readonly tag: string;
      /** Seconds, where a prepared query says so. */
      readonly ttl?: number | undefined;
      /** The answer is one client's, and not to be kept for others. */
      readonly personal?: boolean;
    }
  | { readonly kind: 'node'; readonly node: NodeRow }
  | { readonly kind: 'address'; readonly digits: string }
  /** What an address belongs to, as far as that may be told. */
  | { readonly kind: 'reverse'; readonly holder: Holder | undefined }
  | { readonly kind: 'apex' }
  | { readonly kind: 'between' }
  | { readonly kind: 'nothing' }
);

const fixed = { stamp: '', behind: false } as const;
const nothing: Subject = { kind: 'nothing', ...fixed };
const nothingYet: Subject = { ...nothing, behind: true };

/** Memory for rosters, about: those of a hundred thousand instances. */
const rosterBytesMax = 33_554_432;
const memberBytes = 160;
const rosterBytes = 1_000;

/** The rosters that were asked for last. A roster that takes more than half of the memory is not kept. */
function rosterCache(): LRUCache<string, KeptRoster> {
  return new LRUCache({
    maxSize: rosterBytesMax,
    maxEntrySize: rosterBytesMax / 2,
    sizeCalculation: ({ weight }) => weight,
  });
}

interface KeptRoster {
  readonly roster: Rebuilt<Roster>;
  /** That of the roster when it was weighed. */
  readonly stamp: Revision;
  readonly weight: number;
}

export class Directory {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #zone: Zone;
  readonly #datacenter: string;
  readonly #access: NameAccess;
  /** That of the access when the rosters were made. */
  #epoch = 0;
  readonly #index: CatalogIndex;
  readonly #readable: Readable;
  #rosters = rosterCache();
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

  /** Gathers addresses and names, over some turns of the event loop; to be awaited before the first question. */
  prepare(): Promise<void> {
    return this.#index.gather();
  }

  /** Follows the registry no longer. */
  close(): void {
    this.#index.close();
  }

  /** @param address of the client, for the few answers that depend on it; empty when it is not known */
  subjectOf(asked: Asked, address = ''): Subject {
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
    this.#rosters = rosterCache();
  }

  #isHere(datacenter: string): boolean {
    return datacenter === '' || datacenter === this.#datacenter;
  }

  /** A namespace that is this one but for its case; the name itself where there is none. */
  #namespaceOf({ namespace }: { readonly namespace: string }): string {
    if (find.namespace(this.#registry.state, namespace) !== undefined) return namespace;
    return this.#index.namespaces.get('', namespace)[0] ?? namespace;
  }

  #service(namespace: string, service: string, tag: string): Subject {
    if (!this.#hasService(namespace, service)) return this.#index.behind ? nothingYet : nothing;
    const { index: roster, revision: stamp, behind } = this.#roster(`${namespace}\0${service}`, () => this.#rosterOf(namespace, service));
    return { kind: 'service', service, roster, tag, stamp: String(stamp), behind: behind || this.#index.behind };
  }

  /** Of a prepared query: as of a service, but for what the query leaves out, and how long it may be kept. */
  #query(namespace: string, name: string, address: string): Subject {
    const found = this.#queryNamed(namespace, name);
    if (found === undefined) return nothing;
    const { Service, DNS } = found.query;
    const service = lowerCase(Service.Service);
    if (!this.#hasService(namespace, Service.Service)) return this.#index.behind ? nothingYet : nothing;
    const personal = Service.Near === '_ip';
    const near = this.#sourceOf(Service.Near, address);
    // Names that a template makes the same question of share its roster, and so do clients on one node.
    const key = `query\0${namespace}\0${JSON.stringify(Service)}\0${near}`;
    const { index: roster, revision, behind } = this.#roster(key, () => this.#queryRosterOf(namespace, Service, near));
    const stamp = `${key}\0${DNS.TTL}\0${revision}`;
    return { kind: 'service', service, roster, tag: '', ttl: ttlOf(DNS.TTL), personal, stamp, behind: behind || this.#index.behind };
  }

  /** Name of the node whose nearest are wanted; empty for none. */
  #sourceOf(near: string, address: string): string {
    if (near === '_agent') return this.#zone.node.name;
    if (near !== '_ip') return near;
    const holder = this.#index.addresses.find(addressDigits(address) ?? '', this.#readable);
    return holder?.of === 'node' ? holder.name : '';
  }

  #queryNamed(namespace: string, name: string): FoundQuery | undefined {
    try {
      return this.#queries.find(namespace, name);
    } catch (error) {
      // Any client may ask for any name, and a template limits what it makes of one; the id of a template is no name.
      if (isRegistryError(error)) return undefined;
      throw error;
    }
  }

  #hasService(namespace: string, name: string): boolean {
    return this.#registry.state.services.has(namespace, name) || this.#index.services.get(namespace, name).length > 0;
  }

  #roster(key: string, make: () => Rebuilt<Roster>): Reading<Roster> {
    const kept = this.#rosters.get(key);
    const rebuilt = kept?.roster ?? make();
    const reading = rebuilt.read();
    const { index, revision } = reading;
    if (revision !== kept?.stamp) {
      const weight = index.size * memberBytes + rosterBytes + key.length;
      this.#rosters.set(key, { roster: rebuilt, stamp: revision, weight });
    }
    return reading;
  }

  #rosterOf(namespace: string, service: string): Rebuilt<Roster> {
    const { state } = this.#registry;
    const { domain, datacenter, onlyPassing } = this.#zone;
    const names = () => this.#namesOf(namespace, service);
    const readsNode = this.#nodeReader(namespace);
    const build = () => rosterOf(state, { namespace, names: names(), domain, datacenter, onlyPassing, readsNode });
    return new Rebuilt(this.#clock, () => this.#revisionOf(namespace, names()), build);
  }

  #queryRosterOf(namespace: string, wanted: PreparedService, near: string): Rebuilt<Roster> {
    const { state, views } = this.#registry;
    const { domain, datacenter } = this.#zone;
    const names = () => this.#namesOf(namespace, wanted.Service);
    const readsNode = this.#nodeReader(namespace);
    // The order depends on coordinates, and on the nodes that have them.
    const places = [viewOf.records(noNamespace, coordinateType), viewOf.nodes()];
    const order = () => (near === '' ? '' : `\0${places.map((view) => views.revision(view)).join()}`);
    const build = () => queryRosterOf(state, { namespace, wanted, near, names: names(), domain, datacenter, readsNode });
    return new Rebuilt(this.#clock, () => this.#revisionOf(namespace, names()) + order(), build);
  }

  /** The services of the namespace that are this one but for their case, as far as they may be told. */
  #namesOf(namespace: string, service: string): readonly string[] {
    const { state } = this.#registry;
    const others = this.#index.services.get(namespace, service).filter((name) => name !== service);
    const all = state.services.has(namespace, service) ? [service, ...others] : others;
    return all.filter((name) => this.#access.reads(namespace, 'service', name));
  }

  /** An instance without a node may be told to each reader of its service. */
  #nodeReader(namespace: string): (node: string) => boolean {
    return (node) => node === '' || this.#access.readsAllNodes(namespace) || this.#access.reads(namespace, 'node', node);
  }

  #revisionOf(namespace: string, services: readonly string[]): string {
    const { views } = this.#registry;
    // Which nodes may be told of is part of the answer, if not all of them may.
    const who = this.#access.readsAllNodes(namespace) ? '' : `\0${this.#access.epoch}`;
    return services.map((name) => `${name}\0${views.revision(viewOf.service(namespace, name))}`).join('\0') + who;
  }

  #node(name: string): Subject {
    const { state } = this.#registry;
    const mayBeTold = (node: string) => this.#access.reads(defaultNamespace, 'node', node);
    const exact = find.node(state, name);
    if (exact !== undefined && mayBeTold(name)) return nodeSubject(exact, false);
    const node = find.node(state, this.#index.nodes.get('', name).find(mayBeTold) ?? '');
    const { behind } = this.#index;
    if (node === undefined) return behind ? nothingYet : nothing;
    return nodeSubject(node, behind);
  }

  #reverse(digits: string): Subject {
    const holder = this.#index.addresses.find(digits, this.#readable);
    return { kind: 'reverse', holder, stamp: JSON.stringify(holder ?? ''), behind: this.#index.behind };
  }
}

function nodeSubject(node: NodeRow, behind: boolean): Subject {
  return { kind: 'node', node, stamp: `${node.name}\0${node.modified}`, behind };
}
