/**
 * The revision of each view that is made of rows: that of the newest row that the view shows, or of its
 * marker where a row that it showed is gone. Keys, prefixes and single sessions carry their own revision.
 *
 *   a row is put        → the views that show it stand at the row's revision; nothing is stored
 *   a row goes or moves → the views that showed it get a marker in the same transaction
 *
 * So the rows alone give the same revisions after a restart (`deriving`) as the log did before (`follow`).
 */

import { buckets, find, type Reader } from './reader.ts';
import { addViewsOf, keepsItsViews } from './row-views.ts';
import { keys, type Row, type RowChange } from './rows.ts';
import type { ServiceIndex } from './kind/catalog/service-index.ts';
import { isOfCatalog, isSharedNode, parseView, viewOf, type ParsedView } from './view-name.ts';

/** The rows that revisions are derived from: a `State`. */
interface Source extends Reader {
  rows(): Iterable<[string, Row]>;
  bucketSize(bucket: string): number;
  readonly services: Pick<ServiceIndex, 'has' | 'addViewsOn'>;
}

export class ViewRevisions {
  readonly #revisions = new Map<string, number>();
  /** Services and nodes that have a marker and show no row. */
  readonly #empty = new Set<string>();

  /** Undefined for a view that shows no row and has no marker. */
  get(view: string): number | undefined {
    return this.#revisions.get(view);
  }

  /** Services and nodes that are gone, and are kept only so that the revision of their view does not go back. */
  get empty(): ReadonlySet<string> {
    return this.#empty;
  }

  /** Derives all of them from the rows of a state that has just been loaded, and does not change meanwhile. A step is one row. */
  *deriving(source: Source): Generator<void, void, undefined> {
    let revision = 0;
    const raise = { add: (view: string) => this.#raise(view, revision) };
    for (const [, row] of source.rows()) {
      revision = row.modified;
      if (row.kind === 'view') this.#raise(row.view, revision);
      else addViewsOf(row, raise, source, source.services);
      yield;
    }
    for (const [, row] of source.rows()) {
      if (row.kind === 'view') this.#classify(row.view, source);
      yield;
    }
  }

  /**
   * Follows the changes of one revision, which `source` has already taken over.
   * @returns the views that changed, by name
   */
  follow(changes: readonly RowChange[], revision: number, source: Source): Set<string> {
    const touched = new Set<string>();
    // Only a row that goes, and a marker, can leave a view without rows.
    let mayEmpty = false;
    for (const { before, after } of changes) {
      const row = after ?? before;
      if (row?.kind === 'view') touched.add(row.view);
      else {
        if (after !== undefined) addViewsOf(after, touched, source, source.services);
        if (before !== undefined && (after === undefined || !keepsItsViews(before, after))) {
          addViewsOf(before, touched, source, source.services);
        }
      }
      mayEmpty ||= after === undefined || after.kind === 'view';
    }
    for (const view of touched) {
      if (!isOfCatalog(view)) continue;
      touched.add(viewOf.catalog());
      break;
    }
    for (const view of touched) {
      if (!isSharedNode(view)) this.#revisions.set(view, revision);
      if (mayEmpty || this.#empty.size > 0) this.#classify(view, source);
    }
    return touched;
  }

  #raise(view: string, revision: number): void {
    if (!isSharedNode(view) && revision > (this.#revisions.get(view) ?? 0)) this.#revisions.set(view, revision);
    if (isOfCatalog(view)) this.#raise(viewOf.catalog(), revision);
  }

  #classify(view: string, source: Source): void {
    const marked = source.get(keys.view(view)) !== undefined;
    const { kind, namespace, name } = parseView(view);
    // It follows the others and is never forgotten.
    if (kind === 'catalog') return;
    const shows = showsRows({ kind, namespace, name }, source);
    if (marked && !shows && (kind === 'service' || kind === 'node' || kind === 'service-record')) this.#empty.add(view);
    else this.#empty.delete(view);
    if (!marked && !shows) this.#revisions.delete(view);
  }
}

/** The catalog of services shows no row: its revision is always its marker's. */
function showsRows({ kind, namespace, name }: ParsedView, source: Source): boolean {
  switch (kind) {
    case 'service':
      return source.services.has(namespace, name);
    case 'service-record':
      return find.service(source, namespace, name) !== undefined;
    case 'service-records':
      return source.bucketSize(buckets.serviceRecords(namespace)) > 0;
    case 'node':
      return find.node(source, name) !== undefined;
    case 'namespaces':
      return source.bucketSize(buckets.namespaces()) > 0;
    case 'nodes':
      return source.bucketSize(buckets.nodes()) > 0;
    case 'checks':
      return source.bucketSize(buckets.checks(namespace)) > 0;
    case 'sessions':
      return source.bucketSize(buckets.sessions(namespace)) > 0;
    case 'records':
      return source.bucketSize(buckets.recordsOfType(namespace, name)) > 0;
    default:
      return false;
  }
}
