/**
 * The revision of each view that is made of rows: that of the newest row that the view shows, or of its marker where a row that
 * it showed was removed. Keys, prefixes and single sessions carry their own revision.
 *
 *   a row is put        → the views that show it stand at the row's revision; nothing is stored
 *   a row goes or moves → the views that showed it get a marker in the same transaction
 *
 * So the rows alone give the same revisions after a restart (`deriving`) as the log did before (`follow`).
 */

import type { KindTable } from './kind-table.ts';
import { markerKey, type ViewRow } from './markers.ts';
import type { Indexed, Lookup, Shown, ViewKind } from './room.ts';
import { isOf, type AnyRow, type AnyRowChange } from './row.ts';

/** A yield takes as long as a row. */
const rowsPerYield = 16;

/** The rows that revisions are derived from: contents of a state. */
interface Source extends Lookup, Indexed, Shown {
  get(key: string): AnyRow | undefined;
  rows(): Iterable<[string, AnyRow]>;
}

export class ViewRevisions {
  readonly #kinds: KindTable;
  readonly #revisions = new Map<string, number>();
  /** Services and nodes that have a marker and show no row. */
  readonly #empty = new Set<string>();

  constructor(kinds: KindTable) {
    this.#kinds = kinds;
  }

  /** Undefined for a view that shows no row and has no marker. */
  get(view: string): number | undefined {
    return this.#revisions.get(view);
  }

  /** Services and nodes that are gone, and are kept only so that the revision of their view does not go back. */
  get empty(): ReadonlySet<string> {
    return this.#empty;
  }

  /** Derives all of them from the rows of a state that has just been loaded, and does not change meanwhile. A step is one row. */
  *deriving(source: Source): Generator<number | void, void, undefined> {
    let rows = 0;
    let revision = 0;
    const raise = { add: (view: string) => this.#raise(view, revision) };
    const marked: string[] = [];
    for (const [, row] of source.rows()) {
      revision = row.modified;
      if (isOf<ViewRow>(row, 'view')) {
        raise.add(row.view);
        marked.push(row.view);
      } else this.#kinds.of(row).addViews?.(row, raise, source, source);
      if (++rows % rowsPerYield === 0) yield rowsPerYield;
    }
    // There are far fewer views than rows.
    for (const [view, own] of this.#revisions) {
      const kind = this.#kinds.viewKind(view);
      if (kind.raises !== undefined) this.#raise(kind.raises, own);
      if (!isKept(kind, view)) this.#revisions.delete(view);
      yield;
    }
    for (const view of marked) {
      this.#classify(view, source);
      yield;
    }
  }

  /**
   * Follows the changes of one revision, which `source` has already taken over.
   * @returns the views that changed, by name
   */
  follow(changes: readonly AnyRowChange[], revision: number, source: Source): Set<string> {
    const touched = new Set<string>();
    /** Views whose markers are pruned: nothing that they show has changed, so the views that they raise stand where they stood. */
    const forgotten: string[] = [];
    // Only a row that goes, and a marker, can leave a view without rows.
    let mayEmpty = false;
    for (const { before, after } of changes) {
      const row = after ?? before;
      if (isOf<ViewRow>(row, 'view')) {
        if (after === undefined) forgotten.push(row.view);
        else touched.add(row.view);
      } else {
        if (after !== undefined) this.#kinds.of(after).addViews?.(after, touched, source, source);
        if (before !== undefined && (after === undefined || !this.#kinds.keepsItsViews(before, after))) {
          this.#kinds.of(before).addViews?.(before, touched, source, source);
        }
      }
      mayEmpty ||= after === undefined || after.kind === 'view';
    }
    for (const view of touched) {
      const kind = this.#kinds.viewKind(view);
      if (kind.raises !== undefined) touched.add(kind.raises);
      if (isKept(kind, view)) this.#revisions.set(view, revision);
    }
    for (const view of forgotten) touched.add(view);
    if (mayEmpty || this.#empty.size > 0) for (const view of touched) this.#classify(view, source);
    return touched;
  }

  #raise(view: string, revision: number): void {
    if (revision > (this.#revisions.get(view) ?? 0)) this.#revisions.set(view, revision);
  }

  #classify(view: string, source: Source): void {
    const { parsed, kind } = this.#kinds.view(view);
    // It follows other views, and is never pruned.
    if (kind.revision !== undefined && kind.shows === undefined) return;
    const marked = source.get(markerKey(view)) !== undefined;
    const shows = kind.shows?.(parsed, source) ?? false;
    if (marked && !shows && kind.forgettable === true) this.#empty.add(view);
    else this.#empty.delete(view);
    if (!marked && !shows) this.#revisions.delete(view);
  }
}

function isKept(kind: ViewKind, view: string): boolean {
  return kind.isKept === undefined || kind.isKept(view);
}
