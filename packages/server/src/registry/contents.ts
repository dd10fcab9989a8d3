/**
 * The rows of a state with every index over them. Put and delete keep the indexes; knows no log and no
 * revision of its own, and tells no reader.
 */

import type { KindTable } from './kind-table.ts';
import type { UnreadRow } from './markers.ts';
import { OrderedIndex } from './ordered-index.ts';
import type { Reader } from './reader.ts';
import type { Indexed, RoomIndex } from './room.ts';
import type { AnyRow } from './row.ts';
import { Rowset } from './rowset.ts';
import { ViewRevisions } from './view-revisions.ts';

type Follower = Pick<RoomIndex, 'follow'>;

export class Contents<R extends AnyRow = AnyRow> implements Reader, Indexed {
  readonly kinds: KindTable<R>;
  readonly views: ViewRevisions;
  /** Record keys of the rows that may lapse, lapsed ones included. */
  readonly lapsing = new Set<string>();
  readonly #set: Rowset<R>;
  /** Records of a newer Rollcall, by key; they are in no index. */
  readonly #unread = new Map<string, R & UnreadRow>();
  /** Indexes of rooms by the room's name. */
  readonly #indexes = new Map<string, RoomIndex>();
  readonly #ordered = new Map<string, OrderedIndex>();
  /** What follows the rows of a kind, if anything does. */
  readonly #followers = new Map<string, Follower>();

  constructor(kinds: KindTable<R>) {
    this.kinds = kinds;
    this.views = new ViewRevisions(kinds);
    this.#set = new Rowset(kinds);
    for (const { name, index } of kinds.rooms) {
      if (index === undefined) continue;
      const made = index.make();
      this.#indexes.set(name, made);
      for (const kind of index.of) this.#addFollower(kind, made);
    }
    for (const kind of kinds.kindsWith(({ ordered }) => ordered === true)) {
      const made = new OrderedIndex();
      this.#ordered.set(kind, made);
      this.#addFollower(kind, made);
    }
    for (const kind of kinds.kindsWith((each) => 'lapsed' in each)) this.#addFollower(kind, this.#lapsingIndex());
  }

  /** A kind may have an index of its room, be ordered, and lapse. */
  #addFollower(kind: string, added: Follower): void {
    const first = this.#followers.get(kind);
    this.#followers.set(kind, first === undefined ? added : both(first, added));
  }

  #lapsingIndex(): Follower {
    const kinds: KindTable = this.kinds;
    return {
      follow: (before, after) => {
        if (after !== undefined) this.lapsing.add(kinds.keyOf(after));
        else if (before !== undefined) this.lapsing.delete(kinds.keyOf(before));
      },
    };
  }

  get size(): number {
    return this.#set.size + this.#unread.size;
  }

  index(room: string): RoomIndex | undefined {
    return this.#indexes.get(room);
  }

  /** The rows of an ordered kind, by their keys. @throws TypeError for a kind that is not ordered */
  orderedIndex(kind: string): OrderedIndex {
    const index = this.#ordered.get(kind);
    if (index === undefined) throw new TypeError(`rows of the kind ${kind} are not in order`);
    return index;
  }

  ordered(kind: string, namespace: string, prefix: string, after?: string): Iterable<string> {
    return this.orderedIndex(kind).under(namespace, prefix, after);
  }

  get(key: string): R | undefined {
    return this.#set.get(key);
  }

  isUnread(key: string): boolean {
    return this.#unread.has(key);
  }

  /** All of them, those that are kept unread included. */
  rows(): Iterable<[string, R]> {
    return this.#unread.size === 0 ? this.#set : oneAfterTheOther(this.#set, this.#unread);
  }

  bucket(bucket: string): Iterable<R> {
    return this.#set.bucket(bucket);
  }

  /** The rows of a bucket with their keys. */
  entries(bucket: string): Iterable<[string, R]> {
    return this.#set.entries(bucket);
  }

  bucketSize(bucket: string): number {
    return this.#set.bucketSize(bucket);
  }

  has(bucket: string): boolean {
    return this.#set.bucketSize(bucket) > 0;
  }

  /** @returns the row that was there before */
  put(key: string, row: R): R | undefined {
    if (isUnread(row) || this.#unread.size > 0) return this.#putBesideUnread(key, row);
    return this.#put(key, row);
  }

  /** A record may turn unreadable, or readable again. */
  #putBesideUnread(key: string, row: R): R | undefined {
    const unread = this.#unread.get(key);
    this.#unread.delete(key);
    if (!isUnread(row)) return this.#put(key, row) ?? unread;
    const before = this.delete(key);
    this.#unread.set(key, row);
    return before ?? unread;
  }

  #put(key: string, row: R): R | undefined {
    const before = this.#set.put(key, row);
    this.#followers.get(row.kind)?.follow(before, row);
    return before;
  }

  /** @returns the row that was there before */
  delete(key: string): R | undefined {
    const before = this.#set.delete(key) ?? this.#takeUnread(key);
    if (before !== undefined) this.#followers.get(before.kind)?.follow(before, undefined);
    return before;
  }

  #takeUnread(key: string): (R & UnreadRow) | undefined {
    const row = this.#unread.get(key);
    if (row !== undefined) this.#unread.delete(key);
    return row;
  }
}

function isUnread<R extends AnyRow>(row: R): row is R & UnreadRow {
  return row.kind === 'unread';
}

function both(one: Follower, other: Follower): Follower {
  return {
    follow(before, after) {
      one.follow(before, after);
      other.follow(before, after);
    },
  };
}

function* oneAfterTheOther<T>(one: Iterable<T>, other: Iterable<T>): Generator<T, void, undefined> {
  yield* one;
  yield* other;
}
