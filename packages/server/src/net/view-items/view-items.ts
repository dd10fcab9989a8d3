/**
 * The items of a view, read from a state: all of them, or one by its name. An item that was read before is given again when none
 * of its rows has changed, so that it is not encoded again. Keeps nothing.
 */

import type { FrameItemKey, ItemView } from '@rollcall/protocol';
import { protectedStatuses, statuses } from '../../registry/kind/catalog/effective-status.ts';
import { findInstance, findNode, findService, instancesOfService, instancesOnNode } from '../../registry/kind/catalog/find.ts';
import { catalogBuckets } from '../../registry/kind/catalog/keys.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { servicesAt, tagsAt } from '../../registry/kind/catalog/services-at.ts';
import { findContender, holdersOf } from '../../registry/kind/lock/find.ts';
import { holds, type ContenderRow } from '../../registry/kind/lock/rows.ts';
import { findKv, kvPiecesUnder } from '../../registry/kind/kv/find.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import { findRoute } from '../../registry/kind/route/find.ts';
import type { RouteRow } from '../../registry/kind/route/rows.ts';
import type { Frozen } from '../../registry/frozen.ts';
import type { Reader } from '../../registry/reader.ts';
import type { State } from '../../registry/state.ts';
import type { Audience } from './audience.ts';
import { toInstance, toKvItem, toLockHolder, toRouteEntry } from './items.ts';
import { namespaceOf } from './view-namespace.ts';

/** Names of items, and nodes whose instances may have changed. */
export interface Noted {
  readonly names: ReadonlySet<string>;
  readonly nodes: ReadonlySet<string>;
}

/** Of an instance among the items of its service; a node's name has no NUL. */
export const instanceName = (node: string, id: string): string => `${node}\0${id}`;

export interface Item {
  /** Equal when no row of the item has changed: the item need not be encoded again. */
  readonly version: string | number;
  /** Equal when the item has the same content, even if its rows have changed. */
  readonly content: string | number;
  /** Approximate bytes of its JSON. */
  readonly bytes: number;
  json(): string;
}

/** Bytes of an item beyond its values: field names, punctuation, numbers. */
const kvOverheadBytes = 120;

type StatusOf = ReturnType<typeof statuses>;

/** Items by name, in steps. A step without an item is undefined; the cost of one that only copies is given, in items. */
export type Items = Iterable<readonly [string, Item] | number | undefined>;
type Steps = Generator<readonly [string, Item] | number | undefined, void, undefined>;

/** References that are copied in the time in which one item is read. */
const copiesPerItem = 64;
/** A piece of the keys under a prefix, in items: a look-up for each key when the registry has changed meanwhile. */
const itemsPerPiece = 50;

export class ViewItems {
  readonly #view: ItemView;
  readonly #namespace: string;
  readonly #audience: Audience;

  /** @param audience items that it may not read are left out */
  constructor(view: ItemView, audience: Audience) {
    this.#view = view;
    this.#namespace = namespaceOf(view);
    this.#audience = audience;
  }

  /** The name that a delta has for an item which is gone. */
  keyOf(name: string): FrameItemKey {
    if (this.#view.kind !== 'service') return name;
    // An id may contain NUL, and a node's name may not.
    const at = name.indexOf('\0');
    return [name.slice(0, at), name.slice(at + 1)];
  }

  /**
   * The items that may have changed, by name.
   * @param known how many items there are
   * @returns undefined when all must be read: a change of one may change the others, or that is less to read
   */
  changed(state: State, { names, nodes }: Noted, known: number): ReadonlySet<string> | undefined {
    const { kind, name: service } = this.#view;
    if (kind !== 'service') return names;
    if ((findService(state, this.#namespace, service)?.protectThreshold ?? 0) > 0) return undefined;
    if (nodes.size === 0) return names;
    const all = new Set(names);
    let read = 0;
    for (const node of nodes) {
      read += state.bucketSize(catalogBuckets.instancesOnNode(this.#namespace, node));
      if (read > known) return undefined;
      for (const row of instancesOnNode(state, this.#namespace, node)) if (row.service === service) all.add(instanceName(node, row.id));
    }
    return all;
  }

  /** @returns reads an item; undefined for one that does not exist, or may not be read. For one turn of the event loop */
  reader(state: State): (name: string, before: Item | undefined) => Item | undefined {
    switch (this.#view.kind) {
      case 'service': {
        const statusOf = statuses(state);
        return (name, before) => {
          const [node, id] = this.keyOf(name) as [string, string];
          const row = findInstance(state, this.#namespace, node, id);
          return row?.service === this.#view.name && this.#mayRead(row) ? instanceItem(state, row, statusOf, before) : undefined;
        };
      }
      case 'services':
        return (name, before) => {
          const services = servicesOf(state);
          if (!services.has(this.#namespace, name)) return undefined;
          return this.#serviceItem(name, [...services.tagsOf(this.#namespace, name)], before);
        };
      case 'route':
        return (name, before) => routeItem(findRoute(state, this.#namespace, name), before);
      case 'key':
      case 'prefix':
        return (name, before) => this.#entry(state, name, before);
      case 'lock':
        return (name, before) => holderItem(findContender(state, this.#namespace, this.#view.name, name), before);
    }
  }

  /** All items, in many turns of the event loop. @param before those that were read before, by name */
  all(reader: Frozen, before: ReadonlyMap<string, Item>): Items {
    const { kind, name } = this.#view;
    switch (kind) {
      case 'service':
        return this.#instances(reader, before);
      case 'services':
        return this.#services(reader, before);
      case 'route':
        return this.#route(reader, before);
      case 'key':
        return this.#entries(reader, [[name]], before);
      case 'prefix':
        return this.#entries(reader, kvPiecesUnder(reader, this.#namespace, name), before);
      case 'lock':
        return this.#holders(reader, before);
    }
  }

  /** Instances without a node need permission for the service only. */
  #mayRead({ node }: InstanceRow): boolean {
    return node === '' || this.#audience.allows(this.#namespace, 'node', 'read', node);
  }

  *#instances(reader: Reader, before: ReadonlyMap<string, Item>): Steps {
    const statusOf = yield* protectedStatuses(reader, this.#namespace, this.#view.name);
    const rows = [...instancesOfService(reader, this.#namespace, this.#view.name)];
    yield rows.length / copiesPerItem;
    for (const row of rows) {
      if (!this.#mayRead(row)) {
        yield undefined;
        continue;
      }
      const name = instanceName(row.node, row.id);
      yield [name, instanceItem(reader, row, statusOf, before.get(name))];
    }
  }

  *#services(frozen: Frozen, before: ReadonlyMap<string, Item>): Steps {
    const services = servicesAt(frozen, this.#namespace);
    yield services.length / copiesPerItem;
    for (const service of services) {
      const item = this.#serviceItem(service, tagsAt(frozen, this.#namespace, service), before.get(service));
      yield item && [service, item];
    }
  }

  #serviceItem(service: string, tags: readonly string[], before: Item | undefined): Item | undefined {
    if (!this.#audience.allows(this.#namespace, 'service', 'read', service)) return undefined;
    const json = JSON.stringify({ service, tags });
    return before?.version === json ? before : encoded(json, json);
  }

  *#entries(reader: Reader, pieces: Iterable<readonly string[]>, before: ReadonlyMap<string, Item>): Steps {
    for (const keys of pieces) {
      yield itemsPerPiece;
      for (const key of keys) {
        const item = this.#entry(reader, key, before.get(key));
        yield item && [key, item];
      }
    }
  }

  *#route(reader: Reader, before: ReadonlyMap<string, Item>): Generator<readonly [string, Item] | undefined> {
    const { name } = this.#view;
    const item = routeItem(findRoute(reader, this.#namespace, name), before.get(name));
    yield item && [name, item];
  }

  *#holders(reader: Reader, before: ReadonlyMap<string, Item>): Generator<readonly [string, Item] | undefined> {
    for (const row of [...holdersOf(reader, this.#namespace, this.#view.name)]) {
      const item = holderItem(row, before.get(row.id));
      yield item && [row.id, item];
    }
  }

  #entry(reader: Reader, key: string, before: Item | undefined): Item | undefined {
    if (!this.#audience.allows(this.#namespace, 'key', 'read', key)) return undefined;
    const row = findKv(reader, this.#namespace, key);
    if (row === undefined) return undefined;
    return before?.version === row.modified ? before : kvItem(row);
  }
}

function instanceItem(reader: Reader, row: InstanceRow, statusOf: StatusOf, before: Item | undefined): Item {
  const status = statusOf(row);
  const node = findNode(reader, row.node);
  const version = `${row.modified} ${node?.modified ?? 0} ${status}`;
  return before?.version === version ? before : encoded(version, JSON.stringify(toInstance(row, node, status)));
}

function routeItem(row: RouteRow | undefined, before: Item | undefined): Item | undefined {
  if (row === undefined) return undefined;
  return before?.version === row.modified ? before : { ...encoded('', JSON.stringify(toRouteEntry(row))), version: row.modified };
}

/** A contender is written once when it gets the lock. */
function holderItem(row: ContenderRow | undefined, before: Item | undefined): Item | undefined {
  if (!holds(row)) return undefined;
  return before?.version === row.modified ? before : { ...encoded('', JSON.stringify(toLockHolder(row))), version: row.modified };
}

function encoded(version: string, json: string): Item {
  return { version, content: json, bytes: Buffer.byteLength(json), json: () => json };
}

/** KV values may be large: an item keeps its row, which the state has anyway, and not its JSON. */
function kvItem(row: KvRow): Item {
  return {
    version: row.modified,
    content: row.modified,
    bytes: Math.ceil(row.value.length * 1.34) + row.key.length * 3 + kvOverheadBytes,
    json: () => JSON.stringify(toKvItem(row)),
  };
}
