/**
 * A cursor over one tree of an LMDB file, from its first record to its last, that checks every page
 * on the way: its number, kind, offsets and sizes, the order of the keys in it and against its
 * parents, and in the end the tree's totals. What it shows is where the bytes lie, not copies.
 */

import { readSync } from 'node:fs';
import { damaged, headerBytes, nodeAt, nodeHeaderBytes, pageKind, readNodePage, readPages, u64 } from './page-file.ts';
import type { Meta, Tree } from './page-file.ts';

/** Told of every page of the tree once, `count` pages from `page` on; may throw. */
export type OnPages = (page: number, count: number) => void;

/** Order of two keys, each given by its place in a buffer; like `Buffer.compare`. */
export type KeyOrder = (a: Key, b: Key) => number;

export interface Key {
  readonly page: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Level {
  readonly page: Buffer;
  number: number;
  count: number;
  index: number;
  /** Every key below is at or above `low` and below `high`. */
  low: Key | undefined;
  high: Key | undefined;
}

/** Value on pages of its own; the node holds their number and count. */
const bigValue = 0x01;
const bigValueBytes = 24;

/** Depth of a tree of 4 KiB pages that would be larger than any disk. */
const depthMax = 32;

export const byBytes: KeyOrder = (a, b) => a.page.compare(b.page, b.start, b.end, a.start, a.end);

/** The order of the free list, whose keys are transaction numbers. */
export const byNumber: KeyOrder = (a, b) => {
  if (a.end - a.start !== 8 || b.end - b.start !== 8) throw damaged('the free list has a bad key');
  return u64(a.page, a.start) - u64(b.page, b.start);
};

export class TreeCursor {
  /** The present record: its key lies from `keyStart` to `keyEnd`, its data from there to `end`. */
  bytes: Buffer = Buffer.alloc(0);
  keyStart = 0;
  keyEnd = 0;
  end = 0;
  readonly #fd: number;
  readonly #meta: Meta;
  readonly #tree: Tree;
  readonly #order: KeyOrder;
  readonly #onPages: OnPages;
  readonly #levels: Level[];
  readonly #seen = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
  #started = false;

  /** @throws RegistryError `data_loss` here and in `next`, at the first thing that does not fit */
  constructor(fd: number, meta: Meta, tree: Tree, order: KeyOrder, onPages: OnPages) {
    if (tree.depth > depthMax || (tree.root === undefined) !== (tree.depth === 0)) {
      throw damaged(`a tree has depth ${tree.depth}`);
    }
    this.#fd = fd;
    this.#meta = meta;
    this.#tree = tree;
    this.#order = order;
    this.#onPages = onPages;
    this.#levels = Array.from({ length: tree.depth }, () => ({
      page: Buffer.allocUnsafe(meta.pageBytes),
      number: 0,
      count: 0,
      index: 0,
      low: undefined,
      high: undefined,
    }));
  }

  /** Moves to the next record; false when there is none. The one before is gone then. */
  next(): boolean {
    if (!this.#started) {
      this.#started = true;
      if (this.#tree.root !== undefined) this.#descend(0, this.#tree.root, undefined, undefined);
    } else {
      this.#advance();
    }
    const leaf = this.#levels.at(-1);
    if (leaf === undefined || leaf.index >= leaf.count) {
      this.#checkTotals();
      return false;
    }
    this.#show(leaf);
    return true;
  }

  /** Moves the leaf's index on, over to the next leaf if need be. */
  #advance(): void {
    let depth = this.#levels.length - 1;
    while (depth >= 0) {
      const level = this.#levels[depth] as Level;
      if (++level.index < level.count) break;
      depth--;
    }
    if (depth >= 0 && depth < this.#levels.length - 1) this.#descendFrom(depth);
  }

  /** Reads a page into a level, and the first page of every level below. */
  #descend(depth: number, number: number, low: Key | undefined, high: Key | undefined): void {
    const level = this.#levels[depth] as Level;
    const isLeaf = depth === this.#levels.length - 1;
    level.count = readNodePage(this.#fd, this.#meta, number, level.page, isLeaf ? pageKind.leaf : pageKind.branch);
    if (level.count < (isLeaf ? 1 : 2)) throw damaged(`page ${number} has ${level.count} nodes`);
    this.#onPages(number, 1);
    this.#seen[isLeaf ? 'leafPages' : 'branchPages']++;
    level.number = number;
    level.index = 0;
    level.low = low;
    level.high = high;
    if (!isLeaf) this.#descendFrom(depth);
  }

  #descendFrom(depth: number): void {
    const { page, number, count, index, low, high } = this.#levels[depth] as Level;
    const node = nodeAt(page, number, index);
    const child = page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32;
    // The first key of a branch is empty: it stands for everything below the second.
    const from = index === 0 ? low : keyAt(page, number, index);
    const to = index + 1 < count ? keyAt(page, number, index + 1) : high;
    if (from !== undefined && to !== undefined && this.#order(from, to) >= 0) {
      throw damaged(`page ${number} is out of order`);
    }
    this.#descend(depth + 1, child, from, to);
  }

  #show(leaf: Level): void {
    const { page, number, count, index, low, high } = leaf;
    const node = nodeAt(page, number, index);
    const key = keyAt(page, number, index);
    const after = index === 0 ? low : keyAt(page, number, index - 1);
    const order = after === undefined ? 1 : this.#order(key, after);
    const ordered = index === 0 ? order >= 0 : order > 0;
    if (!ordered || (index + 1 === count && high !== undefined && this.#order(key, high) >= 0)) {
      throw damaged(`page ${number} is out of order`);
    }
    const dataBytes = page.readUInt32LE(node);
    const flags = page.readUInt16LE(node + 4);
    const isBig = flags === bigValue;
    if ((flags !== 0 && !isBig) || key.end + (isBig ? bigValueBytes : dataBytes) > page.length) {
      throw damaged(`page ${number} has a bad node`);
    }
    this.#seen.entries++;
    if (isBig) {
      this.#showBig(key, dataBytes);
    } else {
      this.bytes = page;
      this.keyStart = key.start;
      this.keyEnd = key.end;
      this.end = key.end + dataBytes;
    }
  }

  /** A record whose value has pages of its own is put together in a buffer of its own. */
  #showBig(key: Key, dataBytes: number): void {
    const meta = this.#meta;
    const number = u64(key.page, key.end);
    const count = u64(key.page, key.end + 16);
    // A value that shrank keeps its pages.
    if (headerBytes + dataBytes > count * meta.pageBytes || number + count - 1 > meta.lastPage) {
      throw damaged(`the value at page ${number} has a bad length`);
    }
    const header = Buffer.allocUnsafe(headerBytes);
    readPages(this.#fd, meta, number, header, pageKind.overflow);
    if (header.readUInt32LE(20) !== count) throw damaged(`page ${number} has a bad length`);
    this.#onPages(number, count);
    this.#seen.overflowPages += count;
    const keyBytes = key.end - key.start;
    this.bytes = Buffer.allocUnsafe(keyBytes + dataBytes);
    key.page.copy(this.bytes, 0, key.start, key.end);
    const read = readSync(this.#fd, this.bytes, keyBytes, dataBytes, number * meta.pageBytes + headerBytes);
    if (read < dataBytes) throw damaged(`it ends within the value at page ${number}`);
    this.keyStart = 0;
    this.keyEnd = keyBytes;
    this.end = keyBytes + dataBytes;
  }

  #checkTotals(): void {
    for (const name of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const) {
      if (this.#seen[name] !== this.#tree[name]) {
        throw damaged(`a tree has ${this.#seen[name]} ${name}, its head says ${this.#tree[name]}`);
      }
    }
  }
}

function keyAt(page: Buffer, number: number, index: number): Key {
  const start = nodeAt(page, number, index) + nodeHeaderBytes;
  return { page, start, end: start + page.readUInt16LE(start - 2) };
}

/** Pages that the free list names: `count` from `page` on, freed by `transaction`. */
export interface FreeRun {
  readonly transaction: number;
  readonly page: number;
  readonly count: number;
}

/** The free list; checks nothing beyond its tree. */
export function* freePages(fd: number, meta: Meta, onPages: OnPages): Generator<FreeRun, void, undefined> {
  const cursor = new TreeCursor(fd, meta, meta.free, byNumber, onPages);
  while (cursor.next()) {
    if (cursor.keyEnd - cursor.keyStart !== 8) throw damaged('the free list has a bad key');
    const transaction = u64(cursor.bytes, cursor.keyStart);
    const list = cursor.bytes.subarray(cursor.keyEnd, cursor.end);
    const length = list.length < 8 ? -1 : u64(list, 0);
    if (length < 0 || (length + 1) * 8 > list.length) throw damaged('the free list has a bad length');
    for (let at = 1; at <= length; at++) {
      // 0 is an empty slot, a negative number the length of the run that starts at the next one.
      const entry = Number(list.readBigInt64LE(at * 8));
      if (entry > 0) yield { transaction, page: entry, count: 1 };
      else if (entry < 0 && ++at <= length) yield { transaction, page: u64(list, at * 8), count: -entry };
    }
  }
}
