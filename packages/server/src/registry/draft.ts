/**
 * Decided but not yet committed writes on top of another reader.
 *
 * Commands of one batch are decided in order, each on top of the ones before; the writes of a command that fails half-way are
 * undone. Where there are other writers, a draft also remembers which rows were read by key, at which revision: these become the
 * transaction's expectations. They may also add rows that a scan has missed, so it remembers the scanned sets (`touch-heads.ts`).
 */

import { RegistryError } from '@rollcall/protocol';
import { DraftRows } from './draft-rows.ts';
import { keepUnknown } from './fields.ts';
import { Fill, transactionBound, weigh, type Bound } from './fill.ts';
import { checkKeys } from './key-form.ts';
import type { KindTable } from './kind-table.ts';
import { headKey, type HeadRow, type ViewRow } from './markers.ts';
import { assertReadByAll } from './read-by-all.ts';
import type { Reader } from './reader.ts';
import type { RoomIndex } from './room.ts';
import { orderedKey, type AnyRow } from './row.ts';
import { sameContent } from './same-content.ts';

interface Undo {
  readonly key: string;
  /** The draft's own row before; undefined when it had none. */
  readonly row: AnyRow | undefined;
  readonly deleted: boolean;
}

export interface DraftOptions {
  /** Of the transaction. */
  readonly bound?: Bound;
  /** Whether other writers may change the store between this decision and its commit. */
  readonly guarded?: boolean;
  /** Id of the node that decides, if it is one of several: it holds the deadlines of what is registered. */
  readonly nodeId?: string | undefined;
  /** Whether keys show configurations, and those can only be read. */
  readonly configurationsInKv?: boolean;
}

/** The committed rows on which a decision relies. */
interface Basis {
  /** Rows read by key, with the revision seen; 0 for absent. Empty if the draft is not guarded, like the others. */
  readonly reads: Map<string, number>;
  /** Heads of the sets that were scanned. */
  readonly heads: Set<string>;
  /** Prefixes of record keys under which all rows were looked at. */
  readonly ranges: Set<string>;
}

export class Draft implements Reader {
  readonly #base: Reader;
  /** The base, if that is a draft. */
  readonly #below: Draft | undefined;
  readonly kinds: KindTable;
  readonly #set: DraftRows;
  readonly #deleted = new Set<string>();
  /** Keys written more than once: only they can have come back to what they were. */
  readonly #rewritten = new Set<string>();
  readonly #basis: Basis;
  readonly guarded: boolean;
  /** Id of the node that decides, if it is one of several. */
  readonly nodeId: string | undefined;
  /** Whether keys show configurations, and those can only be read. */
  readonly configurationsInKv: boolean;
  /** Counts the writes, also those that were undone, and the other costs of the commands. */
  readonly fill: Fill;
  #undo: Undo[] | undefined;

  /** On top of another draft, the options are those of the draft below. */
  constructor(base: Reader, { bound = transactionBound, guarded = false, nodeId, configurationsInKv = false }: DraftOptions = {}) {
    this.#base = base;
    this.kinds = base.kinds;
    this.#set = new DraftRows(base.kinds);
    const below = base instanceof Draft ? base : undefined;
    this.#below = below;
    this.guarded = below?.guarded ?? guarded;
    this.nodeId = below === undefined ? nodeId : below.nodeId;
    this.configurationsInKv = below?.configurationsInKv ?? configurationsInKv;
    this.#basis = below === undefined ? basis(this.guarded) : below.#basis;
    this.fill = new Fill(below?.fill.bound ?? bound, this.#basis.reads);
  }

  get(key: string): AnyRow | undefined {
    const own = this.#set.byKey.size === 0 ? undefined : this.#set.byKey.get(key);
    if (own !== undefined) return own;
    if (this.#deleted.size > 0 && this.#deleted.has(key)) return undefined;
    const row = this.#base.get(key);
    if (this.#below !== undefined) return row;
    if (row === undefined && this.#base.isUnread(key)) throw newer(key);
    if (this.guarded) this.#basis.reads.set(key, row?.modified ?? 0);
    return row;
  }

  /** Whether it is for one transaction of a batch, and what is decided in it cannot go on in another one. */
  get isNested(): boolean {
    return this.#below !== undefined;
  }

  get base(): number {
    return this.#base.base ?? 0;
  }

  isUnread(key: string): boolean {
    return this.#base.isUnread(key);
  }

  bucket(bucket: string): Iterable<AnyRow> {
    if (this.guarded) {
      const head = this.kinds.headOfBucket(bucket);
      if (head === undefined) throw new RegistryError('internal', `a decision scans ${JSON.stringify(bucket)}, which has no head`);
      this.relyOn(head);
    }
    return this.unguardedBucket(bucket);
  }

  /** The index of a room over the committed rows: rows that have changed here (`hasChanged`) are not as it says. */
  committedIndex(room: string): RoomIndex | undefined {
    return this.#below === undefined ? this.#base.index?.(room) : this.#below.committedIndex(room);
  }

  /** Whether this draft writes a row or removes it. */
  hasChanged(key: string): boolean {
    return this.#set.byKey.has(key) || this.#deleted.has(key) || this.#below?.hasChanged(key) === true;
  }

  /** The rows of a bucket that this draft writes, in no particular order. */
  *ownOf(bucket: string): Generator<AnyRow, void, undefined> {
    for (const row of this.#below?.ownOf(bucket) ?? []) {
      const key = this.kinds.keyOf(row);
      if (!this.#set.byKey.has(key) && !this.#deleted.has(key)) yield row;
    }
    yield* this.#set.bucket(bucket);
  }

  /** How many rows of a bucket are committed, for a limit that need not be exact. */
  committedIn(bucket: string): number {
    return this.#below?.committedIn(bucket) ?? this.#base.bucketSize?.(bucket) ?? 0;
  }

  /** Expects that nothing is added to a set. */
  relyOn(head: string): void {
    if (this.guarded) this.#basis.heads.add(head);
  }

  /** Expects that no row of an ordered kind is written under a prefix of its keys. */
  relyOnKeys(kind: string, namespace: string, prefix: string): void {
    if (this.guarded) this.#basis.ranges.add(orderedKey(kind, namespace, prefix));
  }

  /** For a scan that may miss what other writers add: the caller makes sure of the rest. */
  *unguardedBucket(bucket: string): Generator<AnyRow, void, undefined> {
    const own = this.#set.byKey;
    // Three bases deep at most: transaction, batch, state.
    for (const row of this.#below?.unguardedBucket(bucket) ?? this.#base.bucket(bucket)) {
      if (this.#set.byKey.size === 0 && this.#deleted.size === 0) yield row;
      else {
        const key = this.kinds.keyOf(row);
        if (!own.has(key) && !this.#deleted.has(key)) yield row;
      }
    }
    yield* this.#set.bucket(bucket);
  }

  ordered(kind: string, namespace: string, prefix: string, after?: string): Iterable<string> {
    this.relyOnKeys(kind, namespace, prefix);
    return this.unguardedOrdered(kind, namespace, prefix, after);
  }

  /** For a scan that may miss what other writers add: the caller makes sure of the rest. */
  *unguardedOrdered(kind: string, namespace: string, prefix: string, after?: string): Generator<string, void, undefined> {
    const base = this.#below?.unguardedOrdered(kind, namespace, prefix, after) ?? this.#base.ordered(kind, namespace, prefix, after);
    for (const row of this.#set.byKey.values()) {
      if (row.kind !== kind || !isOrdered(row) || row.namespace !== namespace || !row.key.startsWith(prefix)) continue;
      if (after === undefined || row.key > after) yield row.key;
    }
    for (const key of base) {
      const recordKey = orderedKey(kind, namespace, key);
      if (!this.#deleted.has(recordKey) && !this.#set.byKey.has(recordKey)) yield key;
    }
  }

  /**
   * Writes a row unless it equals the present one. Returns whether anything changed.
   * @typeParam R to be named with a row that is written out: `draft.put<KvRow>({ … })`
   * @param row a new object, which is the draft's from now on
   */
  // oxlint-disable-next-line no-unnecessary-type-parameters -- with an inferred type, fields that the kind does not have would pass
  put<R extends AnyRow>(row: NoInfer<R>): boolean {
    const key = this.kinds.keyOf(row);
    const before = this.get(key);
    if (before !== undefined) this.keepUnknown(before, row);
    if (before !== undefined && sameContent(before, row)) return false;
    this.overwrite(key, before, row);
    return true;
  }

  /** Copies the fields that only a newer Rollcall knows (`fields.ts`). @param row a new object, not yet written */
  keepUnknown(before: AnyRow, row: AnyRow): void {
    if (this.guarded) keepUnknown(this.kinds.of(row).fields, before, row);
  }

  /**
   * Writes a row that is known to differ from the present one, and that has its unknown fields.
   * @param before the row with the key now, as `get` returns it
   * @param row as of `put`
   */
  overwrite(key: string, before: AnyRow | undefined, row: AnyRow): void {
    const kind = this.kinds.of(row);
    checkKeys(kind, key, row);
    if (this.guarded) assertReadByAll(this, row.kind, kind);
    this.#remember(key);
    this.#deleted.delete(key);
    const own: { -readonly [F in 'created' | 'modified']: number } = row;
    own.created = before?.created ?? 0;
    own.modified = 0;
    this.#set.put(key, row);
    this.fill.add(1, weigh(row));
  }

  /** Runs `action`; when it throws, its writes here are undone. Calls on one draft must not be nested. */
  attempt<T>(action: () => T): T {
    const undo: Undo[] = [];
    this.#undo = undo;
    try {
      return action();
    } catch (error) {
      for (let last = undo.pop(); last !== undefined; last = undo.pop()) {
        const { key, row, deleted } = last;
        if (row === undefined) this.#set.delete(key);
        else this.#set.put(key, row);
        if (deleted) this.#deleted.add(key);
        else this.#deleted.delete(key);
      }
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  /** Removes a marker. */
  forget(key: string): void {
    this.#deleted.add(key);
  }

  /** Writes a marker, whose only content is the revision that it will get. */
  mark(key: string, row: ViewRow | HeadRow): void {
    this.#deleted.delete(key);
    this.#set.put(key, { ...row, created: this.#base.get(key)?.created ?? 0 });
  }

  /** Removes a row. Returns whether it existed. */
  delete(key: string): boolean {
    const before = this.get(key);
    if (before === undefined) return false;
    this.#remember(key);
    this.#set.delete(key);
    this.#deleted.add(key);
    this.fill.add(1, key.length);
    return true;
  }

  /** Drops the writes that leave a row as it was: a batch may move a status there and back. */
  dropNoOps(): void {
    for (const key of this.#rewritten) {
      const row = this.#set.byKey.get(key);
      const before = this.#base.get(key);
      if (row !== undefined && before !== undefined && sameContent(before, row)) this.#set.delete(key);
      if (before === undefined) this.#deleted.delete(key);
    }
  }

  get empty(): boolean {
    return this.#set.byKey.size === 0 && this.#deleted.size === 0;
  }

  /** Moves this draft's writes into the draft below it. */
  mergeInto(below: Draft): void {
    for (const key of this.#deleted) {
      below.#remember(key);
      below.#set.delete(key);
      below.#deleted.add(key);
    }
    for (const [key, row] of this.#set.byKey) {
      below.#remember(key);
      below.#deleted.delete(key);
      below.#set.put(key, row);
    }
    for (const key of this.#rewritten) below.#rewritten.add(key);
  }

  /** Rows read by key from the committed state, with the revision seen (0: absent); none if the draft is not guarded. */
  reads(): ReadonlyMap<string, number> {
    return this.#basis.reads;
  }

  /** Prefixes of record keys under which nothing may be written before the commit. */
  ranges(): ReadonlySet<string> {
    return this.#basis.ranges;
  }

  /** Adds the heads of what was scanned to what was read. Called once, when everything is decided. */
  expectHeads(): void {
    for (const head of this.#basis.heads) {
      const key = headKey(head);
      this.#basis.reads.set(key, this.#base.get(key)?.modified ?? 0);
    }
  }

  /** The rows that this draft adds or changes. */
  puts(): ReadonlyMap<string, AnyRow> {
    return this.#set.byKey;
  }

  deletes(): ReadonlySet<string> {
    return this.#deleted;
  }

  /** Must be called before every write, so that `attempt` can undo it. */
  #remember(key: string): void {
    const row = this.#set.byKey.get(key);
    const deleted = this.#deleted.has(key);
    if (row !== undefined || deleted) this.#rewritten.add(key);
    this.#undo?.push({ key, row, deleted });
  }
}

/** Of a draft that is not guarded: it stays empty. */
const nothing: Basis = { reads: new Map(), heads: new Set(), ranges: new Set() };

/** Where there are no other writers, nothing is ever added, and no draft pays for maps of its own. */
function basis(guarded: boolean): Basis {
  return guarded ? { reads: new Map(), heads: new Set(), ranges: new Set() } : nothing;
}

/** Its content is unknown, and a write would destroy it. */
function newer(key: string): RegistryError {
  const name = JSON.stringify(key.slice(0, 200));
  return new RegistryError('failed_precondition', `record ${name} was written by a newer Rollcall, which alone can read and change it`);
}

function isOrdered(row: AnyRow): row is AnyRow & { readonly namespace: string; readonly key: string } {
  return 'namespace' in row && 'key' in row;
}
