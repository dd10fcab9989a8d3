/**
 * Which items of a view changed at its last revisions, so that a client that missed some of them gets those items and not the
 * whole view. Knows names only: what the items show is in the content.
 */

interface RecentChange {
  readonly revision: number;
  readonly names: readonly string[];
}

/** Changes that are kept at most. */
const changesMax = 256;
/** Names that are kept: half as many as the view has items, but no fewer and no more than these. */
const namesMin = 64;
const namesMax = 10_000;

export class RecentChanges {
  /** Everything that changed after this revision is known. */
  #from = Infinity;
  readonly #changes: RecentChange[] = [];
  #names = 0;

  /** Forgets all; changes after `revision` will be added. */
  beginAt(revision: number): void {
    this.#from = revision;
    this.#changes.length = 0;
    this.#names = 0;
  }

  /** @param items how many the view has: a client that needs half of them had better get all */
  add(revision: number, names: readonly string[], items: number): void {
    this.#changes.push({ revision, names });
    this.#names += names.length;
    const most = Math.max(namesMin, Math.min(namesMax, items / 2));
    while (this.#changes.length > changesMax || this.#names > most) {
      const oldest = this.#changes.shift();
      if (oldest === undefined) return;
      this.#from = oldest.revision;
      this.#names -= oldest.names.length;
    }
  }

  /** Names of the items that have changed since; undefined when that is not known any more. */
  since(revision: number): ReadonlySet<string> | undefined {
    if (revision < this.#from) return undefined;
    const names = new Set<string>();
    for (let at = this.#changes.length - 1; at >= 0; at--) {
      const change = this.#changes[at] as RecentChange;
      if (change.revision <= revision) break;
      for (const name of change.names) names.add(name);
    }
    return names;
  }
}
