/**
 * The content of one view as items with a key each, and what changed since the last look. Items
 * are encoded when they are new or changed, not on every look. Knows nothing of subscribers.
 */

import {
  RegistryError,
  frameLimits,
  type FrameItemKey,
  type FrameView,
  type FrameViewKind,
} from '@rollcall/protocol';
import { protectedStatuses } from '../../registry/kind/catalog/effective-status.ts';
import { serviceList } from '../../registry/kind/catalog/services.ts';
import { findNode, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { serviceRecordView, serviceView, servicesView } from '../../registry/kind/catalog/views.ts';
import { findKv, kvKeysUnder } from '../../registry/kind/kv/find.ts';
import { keyView, prefixView } from '../../registry/kind/kv/views.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import type { Registry } from '../../registry/registry.ts';
import type { State } from '../../registry/state.ts';
import { unrestricted } from '../../security/authorizer.ts';
import type { Audience } from './audience.ts';
import { namespaceOf } from './view-namespace.ts';
import { toInstance, toKvItem } from './translate.ts';

interface Item {
  /** Name of the item in the list of removed items of a delta. */
  readonly key: FrameItemKey;
  /** Equal when no row of the item has changed: the item need not be encoded again. */
  readonly version: string | number;
  /** Equal when the item has the same content, even if its rows have changed. */
  readonly content: string | number;
  /** Approximate bytes of its JSON. */
  readonly bytes: number;
  json(): string;
}

export interface ContentChange {
  /** JSON of the new and changed items. */
  readonly put: readonly string[];
  readonly remove: readonly FrameItemKey[];
}

/** Bytes of an item beyond its values: field names, punctuation, numbers. */
const kvOverheadBytes = 120;

/** Name of a view in the registry. */
export function registryView(view: FrameView): string {
  return registryViews[view.kind](namespaceOf(view), view.name);
}

/** Further views whose changes may change the content: a service record may have a threshold below which all instances serve. */
function shapedBy(view: FrameView): readonly string[] {
  return view.kind === 'service' ? [serviceRecordView(namespaceOf(view), view.name)] : [];
}

/** The newest revision of the views that the content depends on. */
export function revisionOf({ views }: Pick<Registry, 'views'>, view: FrameView): number {
  return Math.max(views.revision(registryView(view)), ...shapedBy(view).map((other) => views.revision(other)));
}

/** Calls the listener when the content may have changed. @returns stops it */
export function watchContent({ views }: Pick<Registry, 'views'>, view: FrameView, listener: () => void): () => void {
  const stops = [registryView(view), ...shapedBy(view)].map((each) => views.watch(each, listener));
  return () => {
    for (const stop of stops) stop();
  };
}

const registryViews: Record<FrameViewKind, (namespace: string, name: string) => string> = {
  service: serviceView,
  services: servicesView,
  key: keyView,
  prefix: prefixView,
};

export class ViewContent {
  readonly #view: FrameView;
  readonly #audience: Audience;
  #items = new Map<string, Item>();
  #bytes = 0;

  /** @param audience items that it may not read are left out */
  constructor(view: FrameView, audience: Audience = unrestricted) {
    this.#view = view;
    this.#audience = audience;
  }

  /** Approximate bytes of a snapshot. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Looks at the state again, and yields after each item. Until the end the content stays as it was. The state
   * may change meanwhile; each item shows a state that is not older than the beginning.
   * @throws RegistryError `resource_exhausted` when a snapshot would be too large
   */
  *refreshing(state: State): Generator<void, ContentChange, undefined> {
    const next = new Map<string, Item>();
    const put: string[] = [];
    let bytes = 0;
    let added = 0;
    for (const found of this.#read(state)) {
      if (found === undefined) {
        yield;
        continue;
      }
      const [name, read] = found;
      const before = this.#items.get(name);
      const item = read(before);
      next.set(name, item);
      bytes += item.bytes;
      if (bytes > frameLimits.snapshotBytesMax) throw this.#tooLarge();
      if (before === undefined) added++;
      if (before?.content !== item.content) put.push(item.json());
      yield;
    }
    const remove: FrameItemKey[] = [];
    if (next.size - added < this.#items.size) {
      for (const [name, { key }] of this.#items) {
        if (!next.has(name)) remove.push(key);
        yield;
      }
    }
    this.#items = next;
    this.#bytes = bytes;
    return { put, remove };
  }

  /** The same in one turn, for a small view. */
  refresh(state: State): ContentChange {
    const look = this.refreshing(state);
    for (;;) {
      const step = look.next();
      if (step.done === true) return step.value;
    }
  }

  /** JSON of a snapshot's `items`, in pieces. */
  *json(): Generator<string, void, undefined> {
    let before = '[';
    for (const item of this.#items.values()) {
      yield before + item.json();
      before = ',';
    }
    yield before === '[' ? '[]' : ']';
  }

  #tooLarge(): RegistryError {
    const { kind, name } = this.#view;
    return new RegistryError(
      'resource_exhausted',
      `${kind} ${JSON.stringify(name)} has more than ${frameLimits.snapshotBytesMax} bytes; ask for a part of it`,
    );
  }

  /** Every item by name; the function gives `before` again when nothing changed. Undefined is a step without an item. */
  #read(state: State): Iterable<readonly [string, (before: Item | undefined) => Item] | undefined> {
    const { kind, name } = this.#view;
    const namespace = namespaceOf(this.#view);
    switch (kind) {
      case 'service':
        return instances(state, namespace, name, this.#audience);
      case 'services':
        return services(state, namespace, this.#audience);
      case 'key':
        return entries(state, namespace, [name], this.#audience);
      case 'prefix':
        return entries(state, namespace, [...kvKeysUnder(state, namespace, name)], this.#audience);
    }
  }
}

type Items = Generator<readonly [string, (before?: Item) => Item] | undefined>;

function* instances(state: State, namespace: string, service: string, audience: Audience): Items {
  const statusOf = yield* protectedStatuses(state, namespace, service);
  for (const row of instancesOfService(state, namespace, service)) {
    // Instances without a node need permission for the service only.
    if (row.node !== '' && !audience.allows(namespace, 'node', 'read', row.node)) continue;
    const status = statusOf(row);
    const node = findNode(state, row.node);
    const version = `${row.modified} ${node?.modified ?? 0} ${status}`;
    yield [
      `${row.node}\0${row.id}`,
      (before) =>
        before?.version === version
          ? before
          : encoded([row.node, row.id], version, JSON.stringify(toInstance(row, node, status))),
    ];
  }
}

function* services(state: State, namespace: string, audience: Audience): Items {
  for (const [service, tags] of serviceList(state, namespace)) {
    if (!audience.allows(namespace, 'service', 'read', service)) continue;
    const json = JSON.stringify({ service, tags });
    yield [service, (before) => (before?.version === json ? before : encoded(service, json, json))];
  }
}

function encoded(key: FrameItemKey, version: string, json: string): Item {
  return { key, version, content: json, bytes: Buffer.byteLength(json), json: () => json };
}

/** KV values may be large: an item keeps its row, which the state has anyway, and not its JSON. */
function* entries(state: State, namespace: string, keys: Iterable<string>, audience: Audience): Items {
  for (const key of keys) {
    if (!audience.allows(namespace, 'key', 'read', key)) continue;
    const row = findKv(state, namespace, key);
    if (row === undefined) continue;
    yield [key, (before) => (before?.version === row.modified ? before : kvEntry(row))];
  }
}

function kvEntry(row: KvRow): Item {
  return {
    key: row.key,
    version: row.modified,
    content: row.modified,
    bytes: Math.ceil(row.value.length * 1.34) + row.key.length * 3 + kvOverheadBytes,
    json: () => JSON.stringify(toKvItem(row)),
  };
}
