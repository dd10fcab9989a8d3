/**
 * Notes which items of the watched views each transaction may have changed, so that a feed looks at those alone and not at the
 * whole view. Knows no content: a noted item may show the same as before.
 *
 *   row of an instance, or of a check of one → that instance, in the view of its service
 *                                            → that service, in the list of services
 *   row of a node, or of a check of one      → the node, in the view of each service on it
 *   row of a service (its threshold)         → everything in the view of the service
 *   row of a contender for a lock            → that contender, in the view of the lock
 *   row of a route                           → it, in its own view
 *   row of a key                             → that key, in its own view and in each watched prefix of it
 */

import type { FrameView } from '@rollcall/protocol';
import { findInstance } from '../../registry/kind/catalog/find.ts';
import type { CheckRow, InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { serviceView, servicesView } from '../../registry/kind/catalog/views.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import { lockView } from '../../registry/kind/lock/views.ts';
import { routeView } from '../../registry/kind/route/views.ts';
import { keyView, prefixView } from '../../registry/kind/kv/views.ts';
import type { RowChange } from '../../registry/kinds.ts';
import type { Observer } from '../../registry/observer.ts';
import type { Registry } from '../../registry/registry.ts';
import { instanceName, type Noted } from '../../net/view-items/view-items.ts';
import { registryView } from './registry-view.ts';

/** Items and nodes that are noted for one view; beyond them everything is, and is looked at over several turns. */
export const notedMax = 2_000;

/** The notes of one feed. At first everything is new to it. */
export class ItemNotes {
  #names = new Set<string>();
  #nodes = new Set<string>();
  #everything = true;

  note(name: string): void {
    if (this.#everything) return;
    this.#names.add(name);
    if (this.#names.size > notedMax) this.noteEverything();
  }

  noteNode(node: string): void {
    if (this.#everything) return;
    this.#nodes.add(node);
    if (this.#nodes.size > notedMax) this.noteEverything();
  }

  noteEverything(): void {
    this.#everything = true;
    this.#names = new Set();
    this.#nodes = new Set();
  }

  /** What was noted since the last call; undefined for everything. */
  take(): Noted | undefined {
    const noted = this.#everything ? undefined : { names: this.#names, nodes: this.#nodes };
    this.#everything = false;
    this.#names = new Set();
    this.#nodes = new Set();
    return noted;
  }
}

export class ItemObserver implements Observer {
  /** By the registry's name of the view; several feeds may show it, to different audiences. */
  readonly #followed = new Map<string, Set<ItemNotes>>();
  /** How many followed prefixes there are of each length: a key is cut at these lengths only. */
  readonly #prefixLengths = new Map<number, number>();
  readonly #registry: Pick<Registry, 'state' | 'observe'>;
  #stop: (() => void) | undefined;

  constructor(registry: Pick<Registry, 'state' | 'observe'>) {
    this.#registry = registry;
  }

  /** @returns the notes of a feed of the view, until it is stopped */
  follow(view: FrameView): { readonly notes: ItemNotes; readonly stop: () => void } {
    const name = registryView(view);
    const notes = new ItemNotes();
    const all = this.#followed.get(name) ?? new Set();
    all.add(notes);
    this.#followed.set(name, all);
    if (view.kind === 'prefix') this.#countPrefix(view.name.length, 1);
    this.#stop ??= this.#registry.observe(this);
    return {
      notes,
      stop: () => {
        if (!all.delete(notes)) return;
        if (all.size === 0) this.#followed.delete(name);
        if (view.kind === 'prefix') this.#countPrefix(view.name.length, -1);
        if (this.#followed.size > 0) return;
        this.#stop?.();
        this.#stop = undefined;
      },
    };
  }

  observe(changes: readonly RowChange[]): void {
    for (const { before, after } of changes) {
      const row = after ?? before;
      switch (row?.kind) {
        case 'instance':
          this.#instance(row);
          if (before?.kind === 'instance' && before.service !== row.service) this.#instance(before);
          break;
        case 'check':
          this.#check(row);
          if (before?.kind === 'check' && before.instance !== row.instance) this.#check(before);
          break;
        case 'node':
          this.#node(row.name);
          break;
        case 'service':
          for (const notes of this.#of(serviceView(row.namespace, row.name))) notes.noteEverything();
          break;
        case 'kv':
          this.#key(row);
          break;
        case 'lock-contender':
          for (const notes of this.#of(lockView(row.namespace, row.name))) notes.note(row.id);
          break;
        case 'route':
          for (const notes of this.#of(routeView(row.namespace, row.service))) notes.note(row.service);
          break;
        default:
      }
    }
  }

  *replaced(): Generator<void, void, undefined> {
    for (const all of this.#followed.values()) for (const notes of all) notes.noteEverything();
    yield;
  }

  #of(view: string): Iterable<ItemNotes> {
    return this.#followed.get(view) ?? none;
  }

  #instance({ namespace, service, node, id }: InstanceRow): void {
    for (const notes of this.#of(serviceView(namespace, service))) notes.note(instanceName(node, id));
    for (const notes of this.#of(servicesView(namespace))) notes.note(service);
  }

  #check({ namespace, node, instance }: CheckRow): void {
    if (instance === '') return this.#node(node);
    // An instance that has gone is itself among the changes.
    const own = findInstance(this.#registry.state, namespace, node, instance);
    if (own === undefined) return;
    for (const notes of this.#of(serviceView(namespace, own.service))) notes.note(instanceName(node, instance));
  }

  #node(node: string): void {
    const add = (view: string): void => {
      for (const notes of this.#of(view)) notes.noteNode(node);
    };
    servicesOf(this.#registry.state).addViewsOn(node, { add });
  }

  #key({ namespace, key }: KvRow): void {
    for (const notes of this.#of(keyView(namespace, key))) notes.note(key);
    for (const length of this.#prefixLengths.keys()) {
      if (length > key.length) continue;
      for (const notes of this.#of(prefixView(namespace, key.slice(0, length)))) notes.note(key);
    }
  }

  #countPrefix(length: number, by: 1 | -1): void {
    const count = (this.#prefixLengths.get(length) ?? 0) + by;
    if (count === 0) this.#prefixLengths.delete(length);
    else this.#prefixLengths.set(length, count);
  }
}

const none: readonly ItemNotes[] = [];
