/** Wakes the watched views of a node, one for each namespace, when something changes that all of them show. */

import type { ViewSet, Wakes } from '../../room.ts';
import { parseView, type ParsedView } from '../../view-name.ts';
import { isSharedNode } from './views.ts';

export class NodeWakes implements Wakes {
  /** Watched views by the name of their node. */
  readonly #views = new Map<string, Set<string>>();

  follow(view: string, { kind, name }: ParsedView, by: 1 | -1): void {
    if (kind !== 'node') return;
    const views = this.#views.get(name) ?? new Set();
    if (by === 1) this.#views.set(name, views.add(view));
    else if (views.delete(view) && views.size === 0) this.#views.delete(name);
  }

  addForView(view: string, views: ViewSet): void {
    if (this.#views.size === 0 || !isSharedNode(view)) return;
    for (const watched of this.#views.get(parseView(view).name) ?? []) views.add(watched);
  }
}
