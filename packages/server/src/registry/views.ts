/**
 * Views: what readers ask for, with a revision each, and who is told when one changes.
 *
 * Front ends read rows through `reader`, ask `revision(view)`, and keep the encoded answer in
 * `answers` under that revision; `watch` calls back when the view may have a newer one. Callbacks
 * are synchronous, once per applied batch, and must not throw.
 */

import { find } from './reader.ts';
import { keys } from './rows.ts';
import type { Applied, State } from './state.ts';
import { isSharedNode, parseView, viewOf } from './view-name.ts';

export type Watcher = () => void;

export class Views {
  readonly #state: State;
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** How many watched prefixes there are of each length: a key is cut at these lengths only. */
  readonly #prefixLengths = new Map<number, number>();
  /** The watched views of each node, one for each namespace: a change of what they share wakes them all. */
  readonly #nodeViews = new Map<string, Set<string>>();
  #watching = 0;
  #wakeUps = 0;

  constructor(state: State) {
    this.#state = state;
  }

  /** Number of watchers now. */
  get watching(): number {
    return this.#watching;
  }

  /** Number of callbacks made so far. */
  get wakeUps(): number {
    return this.#wakeUps;
  }

  /** The view's revision; it never goes back. 0 in a registry that has never seen such a view. */
  revision(view: string): number {
    const state = this.#state;
    const { kind, namespace, name } = parseView(view);
    switch (kind) {
      case 'key':
        return (find.kv(state, namespace, name) ?? state.get(keys.tombstone(namespace, name)))?.modified ?? state.floor;
      case 'prefix':
        return state.prefixRevision(namespace, name);
      case 'node':
        return state.nodeRevision(namespace, name);
      case 'catalog':
        // The marker that made it so new may be forgotten.
        return Math.max(state.viewRevision(view), state.floor);
      case 'record':
        return recordRevision(state, namespace, name);
      case 'session':
        return find.session(state, namespace, name)?.modified ?? state.viewRevision(viewOf.sessions(namespace));
      default:
        return state.viewRevision(view);
    }
  }

  /**
   * Calls `watcher` after every batch that changed the view. A batch that is applied during the
   * call of `watch` itself is not missed: read the revision after watching, not before.
   * @returns ends the watch; idempotent
   */
  watch(view: string, watcher: Watcher): () => void {
    let watchers = this.#watchers.get(view);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(view, watchers);
      this.#follow(view, 1);
    }
    // A function watched twice counts twice.
    const own: Watcher = () => watcher();
    watchers.add(own);
    this.#watching++;
    return () => {
      if (!watchers.delete(own)) return;
      this.#watching--;
      if (watchers.size === 0 && this.#watchers.get(view) === watchers) {
        this.#watchers.delete(view);
        this.#follow(view, -1);
      }
    };
  }

  /** Wakes the watchers of every view that a batch changed, each once. */
  publish({ changes, views: changed }: Applied): void {
    if (this.#watching === 0) return;
    const views = new Set(changed);
    for (const view of changed) if (isSharedNode(view)) this.#addNodeViews(views, parseView(view).name);
    for (const { before, after } of changes) {
      const row = after ?? before;
      switch (row?.kind) {
        case 'session':
          views.add(viewOf.session(row.namespace, row.id));
          break;
        case 'record':
          views.add(viewOf.record(row.namespace, row.type, row.id));
          break;
        case 'kv':
          this.#addKeyViews(views, row);
          break;
        case 'tombstone':
          // A key that one batch both made and deleted leaves only this behind.
          if (after !== undefined) this.#addKeyViews(views, row);
          break;
        default:
      }
    }
    for (const view of views) {
      const watchers = this.#watchers.get(view);
      if (watchers === undefined) continue;
      this.#wakeUps += watchers.size;
      // A copy, since a watcher may end its watch or start another one.
      for (const watcher of [...watchers]) watcher();
    }
  }

  #addNodeViews(views: Set<string>, node: string): void {
    for (const view of this.#nodeViews.get(node) ?? []) views.add(view);
  }

  /** The revisions of the views that are watched, before the state is replaced as a whole. A step is one view. */
  *watchedRevisions(): Generator<void, ReadonlyMap<string, number>, undefined> {
    const revisions = new Map<string, number>();
    for (const view of [...this.#watchers.keys()]) {
      revisions.set(view, this.revision(view));
      yield;
    }
    return revisions;
  }

  /**
   * The state was replaced as a whole: wakes the watchers of every view whose revision changed, each once. A step is one
   * watcher, or a view that did not change.
   * @param before what `watchedRevisions` returned; a view that is not in it counts as changed
   */
  *wakingChanged(before: ReadonlyMap<string, number>): Generator<void, void, undefined> {
    // Copies, since a watcher may end its watch or start another one, and others do between two steps.
    for (const [view, watchers] of [...this.#watchers]) {
      if (before.get(view) === this.revision(view)) {
        yield;
        continue;
      }
      for (const watcher of [...watchers]) {
        if (!watchers.has(watcher)) continue;
        this.#wakeUps++;
        watcher();
        yield;
      }
    }
  }

  #addKeyViews(views: Set<string>, { namespace, key }: { readonly namespace: string; readonly key: string }): void {
    views.add(viewOf.key(namespace, key));
    for (const length of this.#prefixLengths.keys()) {
      if (length <= key.length) views.add(viewOf.prefix(namespace, key.slice(0, length)));
    }
  }

  /** A view gets its first watcher, or loses its last one. */
  #follow(view: string, by: 1 | -1): void {
    const { kind, name } = parseView(view);
    if (kind === 'prefix') {
      const count = (this.#prefixLengths.get(name.length) ?? 0) + by;
      if (count === 0) this.#prefixLengths.delete(name.length);
      else this.#prefixLengths.set(name.length, count);
    } else if (kind === 'node') {
      const views = this.#nodeViews.get(name) ?? new Set();
      if (by === 1) this.#nodeViews.set(name, views.add(view));
      else if (views.delete(view) && views.size === 0) this.#nodeViews.delete(name);
    }
  }
}

/** @param name type and id, joined by NUL */
function recordRevision(state: State, namespace: string, name: string): number {
  const end = name.indexOf('\0');
  const type = name.slice(0, end);
  return find.record(state, namespace, type, name.slice(end + 1))?.modified ?? state.viewRevision(viewOf.records(namespace, type));
}

/** The service names of a namespace with the union of their instances' tags, both in order. */
export function catalog({ services }: State, namespace: string): [string, string[]][] {
  return Array.from(services.names(namespace), (service) => [service, [...services.tagsOf(namespace, service)]]);
}

/** How many instances a service has. */
export function instanceCount({ services }: State, namespace: string, service: string): number {
  return services.instancesOf(namespace, service);
}
