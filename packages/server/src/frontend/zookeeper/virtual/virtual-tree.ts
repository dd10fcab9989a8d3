/**
 * The part of the tree that has no rows: the base path, a node for each service, and a node for each instance that another protocol registered; and, below
 * rows of Dubbo's consumers and providers, a node for each provider that another protocol registered. A row at the same path wins. It reads only.
 */

import type { Registry } from '../../../registry/registry.ts';
import type { Lookup } from '../../../registry/room.ts';
import { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import { servicesOf } from '../../../registry/kind/catalog/service-index.ts';
import { serviceView, servicesView } from '../../../registry/kind/catalog/views.ts';
import { servicesOfInterface } from '../../../registry/kind/znode/dubbo.ts';
import { findChildren, findZnode, type ZnodeStat } from '../../../registry/kind/znode/find.ts';
import { childOf, nameOf, parentOf } from '../../../registry/kind/znode/keys.ts';
import type { Settled } from '../options.ts';
import { decoded, encoded, isShownService, shownAt, shownNames } from './shown-instances.ts';
import { providerAt, providerNames } from './shown-providers.ts';

/** What a path of this part of the tree is. */
export type Place =
  /** The base, or a node above it. */
  | { readonly kind: 'base' }
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'instance'; readonly service: string; readonly name: string }
  /** Where Dubbo's providers of an interface are: such a node has a row, which each consumer creates. */
  | { readonly kind: 'providers'; readonly service: string }
  | { readonly kind: 'provider'; readonly service: string; readonly name: string };

export interface VirtualNode {
  readonly data: Uint8Array;
  readonly stat: ZnodeStat;
}

const noData = new Uint8Array(0);

type VirtualOptions = Pick<Settled, 'namespace' | 'base' | 'dubboBase' | 'family'>;

export class VirtualTree {
  readonly #registry: Registry;
  readonly #options: VirtualOptions;
  /** The base and the paths above it, without the root. */
  readonly #above: ReadonlySet<string>;

  constructor(registry: Registry, options: VirtualOptions) {
    this.#registry = registry;
    this.#options = options;
    const parts = options.base.split('/').slice(1);
    this.#above = new Set(parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`));
  }

  get options(): VirtualOptions {
    return this.#options;
  }

  /** Undefined for a path outside of this part of the tree. */
  place(path: string): Place | undefined {
    const { base } = this.#options;
    if (this.#above.has(path)) return { kind: 'base' };
    const provider = this.#providerPlace(path);
    if (provider !== undefined) return provider;
    if (!path.startsWith(`${base}/`)) return undefined;
    const [first = '', name, more] = path.slice(base.length + 1).split('/');
    const service = decoded(first);
    if (service === undefined || more !== undefined || encoded(service) !== first) return undefined;
    return name === undefined ? { kind: 'service', service } : { kind: 'instance', service, name };
  }

  /** Whether there may be nodes without rows at a path or below it. */
  reaches(path: string): boolean {
    const { dubboBase } = this.#options;
    return path === '/' || this.place(path) !== undefined || dubboBase.startsWith(`${path}/`) || path === dubboBase || path.startsWith(`${dubboBase}/`);
  }

  #providerPlace(path: string): Place | undefined {
    const { dubboBase } = this.#options;
    if (!path.startsWith(`${dubboBase}/`)) return undefined;
    const [first = '', list, name, more] = path.slice(dubboBase.length + 1).split('/');
    const service = decoded(first);
    if (service === undefined || encoded(service) !== first || list !== 'providers' || more !== undefined) return undefined;
    return name === undefined ? { kind: 'providers', service } : { kind: 'provider', service, name };
  }

  node(path: string): VirtualNode | undefined {
    const place = this.place(path);
    return place === undefined ? undefined : this.#nodeAt(path, place);
  }

  /** What nodes without rows add to the stat of a node that has a row. */
  statBeside(path: string): ZnodeStat | undefined {
    const place = this.place(path);
    return place?.kind === 'providers' ? this.#listStat(path, place) : this.node(path)?.stat;
  }

  /**
   * Names of the nodes without rows below a node; a step for each that was looked at, undefined for one that clients do not see.
   * @param reader the state, or a moment of it when the steps are done in several turns
   */
  *childNames(path: string, reader: Lookup): Generator<string | undefined, void, undefined> {
    const place = this.place(path);
    if (path === this.#options.base) {
      for (const service of [...servicesOf(this.#registry.state).names(this.#options.namespace)]) yield this.#isService(reader, service) ? encoded(service) : undefined;
    } else if (place?.kind === 'service') {
      for (const name of shownNames(reader, this.#options, place.service)) yield name !== undefined && !hasRow(reader, this.#options.namespace, childOf(path, name)) ? name : undefined;
    } else if (place?.kind === 'providers') {
      const statusOf = statuses(reader);
      for (const service of this.#servicesOf(place.service)) {
        for (const name of providerNames(reader, { namespace: this.#options.namespace, interface: place.service, service }, statusOf)) {
          yield name !== undefined && !hasRow(reader, this.#options.namespace, childOf(path, name)) ? name : undefined;
        }
      }
    } else if (path === '/' || place?.kind === 'base') {
      for (const above of this.#above) if (parentOf(above) === path && !hasRow(reader, this.#options.namespace, above) && this.#hasServices()) yield nameOf(above);
    }
  }

  /** How many nodes without rows a node has at most, without a look at each. */
  childrenMax(path: string): number {
    const place = this.place(path);
    const services = servicesOf(this.#registry.state);
    if (place?.kind === 'service') return services.instancesOf(this.#options.namespace, place.service);
    if (place?.kind === 'providers') return this.#servicesOf(place.service).reduce((sum, service) => sum + services.instancesOf(this.#options.namespace, service), 0);
    if (place?.kind === 'instance' || place?.kind === 'provider') return 0;
    return path === this.#options.base ? services.size : this.#above.size;
  }

  /** The revision of the list of children: rises with each change of it. */
  childrenRevision(path: string): number {
    const { views } = this.#registry;
    const { namespace } = this.#options;
    const place = this.place(path);
    if (place?.kind === 'base') return views.revision(servicesView(namespace));
    if (place?.kind === 'providers') return Math.max(0, ...this.#servicesOf(place.service).map((service) => views.revision(serviceView(namespace, service))));
    return place?.kind === 'service' ? views.revision(serviceView(namespace, place.service)) : 0;
  }

  #nodeAt(path: string, place: Place): VirtualNode | undefined {
    const { state } = this.#registry;
    if (place.kind === 'provider') {
      const found = providerAt(state, { namespace: this.#options.namespace, interface: place.service, name: place.name }, statuses(state));
      return found && leaf(found.row, noData);
    }
    if (place.kind === 'instance') {
      const found = shownAt(state, this.#options, place.service, place.name);
      return found && leaf(found.row, found.data);
    }
    if (place.kind === 'providers') return undefined;
    const exists = place.kind === 'base' ? this.#hasServices() : isShownService(state, this.#options, place.service);
    return exists ? { data: noData, stat: this.#listStat(path, place) } : undefined;
  }

  #listStat(path: string, place: Place): ZnodeStat {
    const pzxid = this.childrenRevision(path);
    return { ...empty, pzxid, cversion: pzxid | 0, numChildren: this.#count(path, place) };
  }

  /** The services that may have providers of an interface. */
  #servicesOf(name: string): readonly string[] {
    const { name: own, prefix } = servicesOfInterface(name);
    return [own, ...servicesOf(this.#registry.state).names(this.#options.namespace, prefix)];
  }

  /** Of a service it counts instances that are unhealthy, too: a look at each of many thousand would take too long. */
  #count(path: string, place: Place): number {
    const { namespace } = this.#options;
    if (place.kind !== 'base') return Math.max(0, this.childrenMax(path) - (findChildren(this.#registry.state, namespace, path)?.children ?? 0));
    let count = 0;
    for (const name of this.childNames(path, this.#registry.state)) if (name !== undefined) count++;
    return count;
  }

  /** Whether another protocol's instances make the node of a service, which has no row. */
  #isService(reader: Lookup, service: string): boolean {
    return !hasRow(reader, this.#options.namespace, `${this.#options.base}/${encoded(service)}`) && isShownService(reader, this.#options, service);
  }

  #hasServices(): boolean {
    const { state } = this.#registry;
    for (const service of servicesOf(state).names(this.#options.namespace)) if (isShownService(state, this.#options, service)) return true;
    return false;
  }
}

function leaf({ created: czxid, modified: mzxid, registeredMs: ctimeMs, changedMs: mtimeMs = ctimeMs }: InstanceRow, data: Uint8Array): VirtualNode {
  return { data, stat: { ...empty, czxid, mzxid, pzxid: czxid, ctimeMs, mtimeMs, version: (mzxid - czxid) | 0, dataLength: data.length } };
}

function hasRow(reader: Lookup, namespace: string, path: string): boolean {
  return findZnode(reader, namespace, path) !== undefined;
}

const empty: ZnodeStat = { czxid: 0, mzxid: 0, pzxid: 0, ctimeMs: 0, mtimeMs: 0, version: 0, cversion: 0, aversion: 0, session: undefined, dataLength: 0, numChildren: 0 };
