/**
 * Views: the answers that readers want, each with a revision, and the watchers that are called when one changes.
 *
 * Front ends read rows through `reader`, ask `revision(view)`, and keep the encoded answer in
 * `answers` under that revision; `watch` calls back when the view may have a newer one. Callbacks
 * are synchronous, once per applied batch, and must not throw.
 */

import type { Wakes } from './room.ts';
import type { AnyRow } from './row.ts';
import type { Applied, State } from './state.ts';

export type Watcher = () => void;

export class Views {
  readonly #state: State<AnyRow>;
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #wakes: readonly Wakes[];
  #watching = 0;
  #wakeUps = 0;

  constructor(state: State<AnyRow>) {
    this.#state = state;
    this.#wakes = state.kinds.rooms.flatMap((room) => room.wakes?.() ?? []);
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
    const { parsed, kind } = state.kinds.view(view);
    return Math.max(state.base, kind.revision === undefined ? state.viewRevision(view) : kind.revision(parsed, state));
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
  publish({ changes, views: changed }: Applied<AnyRow>): void {
    if (this.#watching === 0) return;
    const views = new Set(changed);
    for (const wakes of this.#wakes) {
      if (wakes.addForRow !== undefined) for (const { before, after } of changes) wakes.addForRow((after ?? before) as AnyRow, after !== undefined, views);
      if (wakes.addForView !== undefined) for (const view of changed) wakes.addForView(view, views);
    }
    for (const view of views) {
      const watchers = this.#watchers.get(view);
      if (watchers === undefined) continue;
      this.#wakeUps += watchers.size;
      // A copy, since a watcher may end its watch or start another one.
      for (const watcher of [...watchers]) watcher();
    }
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

  /** A view gets its first watcher, or loses its last one. */
  #follow(view: string, by: 1 | -1): void {
    const { parsed } = this.#state.kinds.view(view);
    for (const wakes of this.#wakes) wakes.follow?.(view, parsed, by);
  }
}
