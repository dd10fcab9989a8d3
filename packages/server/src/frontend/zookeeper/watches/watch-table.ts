/**
 * Who watches which path, and which watchers an event concerns. The rules are those of ZooKeeper's `WatchManager` and `DataTree`:
 *
 *   kind        set by                     fires for                                            then
 *   data        getData, exists            created, deleted, changed                            is gone
 *   children    getChildren                children, deleted                                    is gone
 *   persistent  addWatch                   all four                                             stays
 *   recursive   addWatch                   created, deleted, changed of the path and below      stays
 *
 * A watcher gets one event for one change, however many of its watches the change concerns. It does not send anything.
 */

import { parentOf } from '../../../registry/kind/znode/keys.ts';

export type WatchKind = 'data' | 'children' | 'persistent' | 'recursive';

export type ZnodeEventType = 'created' | 'deleted' | 'changed' | 'children';

const bits: Readonly<Record<WatchKind, number>> = { data: 1, children: 2, persistent: 4, recursive: 8 };

/** The kinds that an event on the path itself concerns. */
const concerned: Readonly<Record<ZnodeEventType, number>> = {
  created: bits.data | bits.persistent | bits.recursive,
  changed: bits.data | bits.persistent | bits.recursive,
  deleted: bits.data | bits.children | bits.persistent | bits.recursive,
  children: bits.children | bits.persistent,
};

const once = bits.data | bits.children;

export interface WatchTableOptions {
  /** Called when a path gets its first watch, and when it loses its last one. */
  readonly onFollow?: (path: string, isFollowed: boolean) => void;
}

/** @typeParam W identifies a watcher: its connection */
export class WatchTable<W extends object> {
  readonly #byPath = new Map<string, Map<W, number>>();
  readonly #byWatcher = new Map<W, Set<string>>();
  readonly #onFollow: (path: string, isFollowed: boolean) => void;
  #size = 0;
  /** Paths with recursive watches; while there are none, an event looks at its own path only. */
  #recursive = 0;

  constructor({ onFollow = () => {} }: WatchTableOptions = {}) {
    this.#onFollow = onFollow;
  }

  /** Paths and watchers on them; several watches of one watcher on one path count once. */
  get size(): number {
    return this.#size;
  }

  get paths(): number {
    return this.#byPath.size;
  }

  get watchers(): number {
    return this.#byWatcher.size;
  }

  /** Paths that a watcher watches. */
  countOf(watcher: W): number {
    return this.#byWatcher.get(watcher)?.size ?? 0;
  }

  pathsOf(watcher: W): Iterable<string> {
    return this.#byWatcher.get(watcher) ?? [];
  }

  /** Every path with those who watch it. */
  *all(): Generator<readonly [path: string, watchers: Iterable<W>], void, undefined> {
    for (const [path, watchers] of this.#byPath) yield [path, watchers.keys()];
  }

  add(path: string, watcher: W, kind: WatchKind): void {
    let watchers = this.#byPath.get(path);
    if (watchers === undefined) {
      this.#byPath.set(path, (watchers = new Map()));
      this.#onFollow(path, true);
    }
    const before = watchers.get(watcher);
    watchers.set(watcher, (before ?? 0) | bits[kind]);
    if (kind === 'recursive' && ((before ?? 0) & bits.recursive) === 0) this.#recursive++;
    if (before !== undefined) return;
    this.#size++;
    let paths = this.#byWatcher.get(watcher);
    if (paths === undefined) this.#byWatcher.set(watcher, (paths = new Set()));
    paths.add(path);
  }

  /** Whether a watcher has a watch of one of these kinds on a path. */
  has(path: string, watcher: W, kinds: readonly WatchKind[]): boolean {
    return ((this.#byPath.get(path)?.get(watcher) ?? 0) & maskOf(kinds)) !== 0;
  }

  /** @returns whether the watcher had a watch of one of these kinds on the path */
  remove(path: string, watcher: W, kinds: readonly WatchKind[]): boolean {
    const watchers = this.#byPath.get(path);
    const before = watchers?.get(watcher);
    if (watchers === undefined || before === undefined) return false;
    const after = before & ~maskOf(kinds);
    this.#keep(path, watchers, watcher, before, after);
    return after !== before;
  }

  /** Removes all watches of a watcher, a path for each step. */
  *removeAll(watcher: W): Generator<void, void, undefined> {
    for (const path of this.#byWatcher.get(watcher) ?? []) {
      this.remove(path, watcher, everyKind);
      yield;
    }
  }

  /** The watchers that an event concerns, each once; watches that fire once are gone then. */
  fire(path: string, type: ZnodeEventType): readonly W[] {
    const found = this.#fireAt(path, concerned[type]);
    if (this.#recursive === 0 || type === 'children' || path === '/') return found;
    const all = new Set(found);
    for (let above = parentOf(path); ; above = parentOf(above)) {
      const watchers = this.#byPath.get(above);
      if (watchers !== undefined) for (const [watcher, mask] of watchers) if ((mask & bits.recursive) !== 0) all.add(watcher);
      if (above === '/') return [...all];
    }
  }

  #fireAt(path: string, mask: number): W[] {
    const found: W[] = [];
    const watchers = this.#byPath.get(path);
    if (watchers === undefined) return found;
    for (const [watcher, before] of watchers) {
      if ((before & mask) === 0) continue;
      found.push(watcher);
      this.#keep(path, watchers, watcher, before, before & ~(mask & once));
    }
    return found;
  }

  #keep(path: string, watchers: Map<W, number>, watcher: W, before: number, after: number): void {
    if ((before & bits.recursive) !== 0 && (after & bits.recursive) === 0) this.#recursive--;
    if (after !== 0) {
      if (after !== before) watchers.set(watcher, after);
      return;
    }
    watchers.delete(watcher);
    this.#size--;
    const paths = this.#byWatcher.get(watcher);
    paths?.delete(path);
    if (paths?.size === 0) this.#byWatcher.delete(watcher);
    if (watchers.size > 0) return;
    this.#byPath.delete(path);
    this.#onFollow(path, false);
  }
}

export const everyKind: readonly WatchKind[] = ['data', 'children', 'persistent', 'recursive'];

function maskOf(kinds: readonly WatchKind[]): number {
  let mask = 0;
  for (const kind of kinds) mask |= bits[kind];
  return mask;
}
