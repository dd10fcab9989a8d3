/**
 * Pages of an LMDB data file, read with plain reads; nothing in them is trusted.
 *
 * LMDB maps its file and follows whatever it finds: one damaged page kills the process (SIGSEGV,
 * SIGBUS, SIGABRT) or yields records that nobody wrote. So a store is walked (`tree.ts`) before LMDB
 * may touch it, and records are never read in another way. The format is that of the LMDB inside
 * lmdb-js 3.5 (`MDB_DATA_VERSION` 2, 64 bit, little endian):
 * https://github.com/kriszyp/lmdb-js/blob/v3.5.6/dependencies/lmdb/libraries/liblmdb/mdb.c
 *
 *   page     number u64 · transaction u64 · pad u16 · flags u16 · lower u16 · upper u16 · offsets u16…
 *            (overflow: · pages u32 instead of lower and upper); offsets count from the header's end
 *   node     low u16 · high u16 · flags u16 · key size u16 · key · data
 *            leaf: low and high are the data's size; branch: low, high and flags are a page number
 *   meta     pages 0 and 1, written in turns: the trees, the last page and the transaction number
 */

import { fstatSync, readSync } from 'node:fs';
import { RegistryError } from '@rollcall/protocol';

export interface Tree {
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined for an empty tree. */
  readonly root: number | undefined;
}

/** A snapshot of the file: where its newest transaction starts. */
export interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly free: Tree;
  readonly main: Tree;
  /** The root of the transaction before, which this one has freed; undefined when there was none. */
  readonly rootBefore: number | undefined;
}

export const headerBytes = 24;
export const nodeHeaderBytes = 8;

/** What a page is, in its header. */
export const pageKind = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 } as const;

const treeBytes = 48;
const metaBytes = 144;
const magic = 0xbeefc0de;
const dataVersion = 2;

/** Flags of the two trees: the free list has integers for keys, the rest is how the file was opened. */
const integerKeyFlag = 0x08;
const noSubdirFlag = 0x4000;
const versionsFlag = 0x100;

/** Far more pages than one transaction can free unwritten; what a damaged head says is mostly beyond. */
const unwrittenPagesMax = 1_048_576;

export function damaged(what: string): RegistryError {
  return new RegistryError('data_loss', `the store is damaged: ${what}; restore it from a backup`);
}

/**
 * @param fd the data file, open for reading
 * @throws RegistryError `data_loss` when the head of the file is damaged, `failed_precondition` when
 *   it is no LMDB file or one of another version
 */
export function readMeta(fd: number): Meta {
  const head = Buffer.alloc(headerBytes + metaBytes);
  if (readSync(fd, head, 0, head.length, 0) < head.length) throw damaged('its head is cut off');
  const first = decodeMeta(head, 0);
  if (readSync(fd, head, 0, head.length, first.pageBytes) < head.length) throw damaged('its head is cut off');
  const second = decodeMeta(head, 1);
  // Metas are written in turns: a gap means that one of them is not what was written last.
  const { transaction: a } = first;
  const { transaction: b } = second;
  const inTurn = Math.abs(a - b) === 1 || (a === 0 && b === 0);
  if (second.pageBytes !== first.pageBytes || !inTurn) {
    throw damaged(`its two heads do not belong together (transactions ${a} and ${b})`);
  }
  const [newest, before] = a > b ? [first, second] : [second, first];
  // The file may be shorter than its pages when the last ones were freed before they were written.
  if (newest.lastPage > Math.ceil(fstatSync(fd).size / newest.pageBytes) + unwrittenPagesMax) {
    throw damaged(`its head speaks of ${newest.lastPage} pages`);
  }
  return { ...newest, rootBefore: before.main.root };
}

function decodeMeta(page: Buffer, index: number): Omit<Meta, 'rootBefore'> {
  const body = page.subarray(headerBytes);
  if (body.readUInt32LE(0) !== magic || page.readUInt16LE(18) !== pageKind.meta) {
    if (index === 1) throw damaged('its second head is unreadable');
    throw new RegistryError('failed_precondition', 'the file is not a Rollcall store, or its head is damaged');
  }
  const version = body.readUInt32LE(4);
  if (version !== dataVersion) {
    const message = `the store has LMDB data format ${version}, this version of Rollcall reads ${dataVersion}`;
    throw new RegistryError('failed_precondition', message);
  }
  const pageBytes = body.readUInt32LE(24);
  if (pageBytes < 512 || pageBytes > 32_768 || (pageBytes & (pageBytes - 1)) !== 0) {
    throw damaged(`its page size reads ${pageBytes}`);
  }
  // LMDB turns some flags into how it reads the file, and lmdb-js dies of those that do not fit.
  const freeFlags = body.readUInt16LE(28) & ~noSubdirFlag;
  const mainFlags = body.readUInt16LE(28 + treeBytes) & ~versionsFlag;
  if (freeFlags !== integerKeyFlag || mainFlags !== 0) {
    throw damaged('its trees are of a kind that Rollcall does not write');
  }
  return {
    pageBytes,
    lastPage: u64(body, 120),
    transaction: u64(body, 128),
    free: decodeTree(body.subarray(24, 24 + treeBytes)),
    main: decodeTree(body.subarray(24 + treeBytes)),
  };
}

function decodeTree(bytes: Buffer): Tree {
  const none = bytes.readBigUInt64LE(40) === 0xffffffffffffffffn;
  return {
    depth: bytes.readUInt16LE(6),
    branchPages: u64(bytes, 8),
    leafPages: u64(bytes, 16),
    overflowPages: u64(bytes, 24),
    entries: u64(bytes, 32),
    root: none ? undefined : u64(bytes, 40),
  };
}

/**
 * Reads a branch or leaf page and checks its header.
 * @returns its number of nodes
 */
export function readNodePage(fd: number, meta: Meta, number: number, into: Buffer, kind: number): number {
  readPages(fd, meta, number, into, kind);
  const lower = into.readUInt16LE(20);
  const upper = into.readUInt16LE(22);
  if (lower % 2 !== 0 || lower > upper || upper > into.length - headerBytes) {
    throw damaged(`page ${number} has bad bounds`);
  }
  return lower / 2;
}

/** Fills `into` from the start of a page and checks the header. */
export function readPages(fd: number, meta: Meta, number: number, into: Buffer, kind: number): void {
  if (number < 2 || number > meta.lastPage) throw damaged(`it refers to page ${number} of ${meta.lastPage}`);
  if (readSync(fd, into, 0, into.length, number * meta.pageBytes) < into.length) {
    throw damaged(`it ends before page ${number}`);
  }
  // LMDB would write into a page whose transaction lies ahead, as if it were its own copy.
  const fits = u64(into, 0) === number && u64(into, 8) <= meta.transaction && into.readUInt16LE(18) === kind;
  if (!fits) throw damaged(`page ${number} is not the one that was written`);
}

/** Where a node starts in its page; the header and the key lie within the page. */
export function nodeAt(page: Buffer, number: number, index: number): number {
  const at = headerBytes + page.readUInt16LE(headerBytes + index * 2);
  const lowest = headerBytes + page.readUInt16LE(22);
  const fits = at >= lowest && at + nodeHeaderBytes <= page.length;
  if (!fits || at + nodeHeaderBytes + page.readUInt16LE(at + 6) > page.length) {
    throw damaged(`page ${number} has a bad offset`);
  }
  return at;
}

/** A number beyond the safe integers is as damaged as any other; the caller's bounds refuse it. */
export function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}
