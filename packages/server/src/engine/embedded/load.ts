/**
 * Reading a whole store: once to be sure of it and to learn its keys, later to yield its records.
 *
 * Neither maps the file, so the process does not grow by the size of the store.
 */

import type { EngineRecord } from '../engine.ts';
import { damaged, readMeta, type Meta } from './page-file.ts';
import { addMark, checkRecord, decodeHead, isHead, keyOf, notOurs, payloadOf, type Head } from './stored-record.ts';
import { byBytes, freePages, TreeCursor } from './tree.ts';

/** What is kept of a store in memory. */
export interface Loaded {
  readonly head: Head;
  /** The revision of every record, by key. */
  readonly revisions: Map<string, number>;
}

/** Records verified in one turn of the event loop: a few milliseconds. */
const turnMax = 5_000;

/**
 * Checks everything in the store: each page, each record, and that they are all there.
 *
 * @param fd the data file; nobody may write to it meanwhile
 * @throws RegistryError `data_loss` or `failed_precondition`
 */
export async function load(fd: number): Promise<Loaded> {
  const meta = readMeta(fd);
  const used = new Uint8Array(meta.lastPage + 1);
  const revisions = new Map<string, number>();
  let head: Head | undefined;
  let sum = 0;
  const cursor = new TreeCursor(fd, meta, meta.main, byBytes, claim);
  while (cursor.next()) {
    if (head === undefined) {
      // Of all keys in the store, the head's is the lowest.
      if (!isHead(cursor)) throw notOurs();
      head = decodeHead(cursor);
      continue;
    }
    const { revision, mark } = checkRecord(cursor);
    if (revision > head.revision) throw damaged(`a record has revision ${revision}, the newest is ${head.revision}`);
    revisions.set(keyOf(cursor), revision);
    sum = addMark(sum, mark);
    if (revisions.size % turnMax === 0) await new Promise<void>((turn) => setImmediate(turn));
  }
  if (head === undefined) throw notOurs();
  if (revisions.size !== head.records || sum !== head.sum) {
    throw damaged(`it has ${revisions.size} records, but not those that its head vouches for (${head.records})`);
  }
  checkFree();
  return { head, revisions };

  /** The free list, and by it that the newest head is the newest. */
  function checkFree(): void {
    let freedBefore = meta.rootBefore === undefined;
    for (const { transaction, page, count } of freePages(fd, meta, claim)) {
      if (page < 2 || page + count - 1 > meta.lastPage) throw damaged(`page ${page} is listed as free, but there is none`);
      for (let each = page; each < page + count; each++) {
        // A later commit would overwrite it.
        if (used[each] === 1) throw damaged(`page ${each} is listed as free, but it is in use`);
        if (each === meta.rootBefore && transaction === meta.transaction) freedBefore = true;
      }
    }
    // Every transaction replaces the root. One that did not free the root of the other head is older
    // than that head, whatever the numbers in the heads say.
    if (!freedBefore) throw damaged('its newest head is unreadable');
  }

  function claim(page: number, count: number): void {
    for (let each = page; each < page + count; each++) {
      if (used[each] === 1) throw damaged(`page ${each} is used twice`);
      used[each] = 1;
    }
  }
}

/**
 * Yields copies of the records of one snapshot, in chunks.
 *
 * @param meta from `readMeta`; LMDB must be kept from reusing this snapshot's pages meanwhile
 */
export function* recordsOf(fd: number, meta: Meta, chunkMax: number): Generator<EngineRecord[], void, undefined> {
  const cursor = new TreeCursor(fd, meta, meta.main, byBytes, () => {});
  let chunk: EngineRecord[] = [];
  while (cursor.next()) {
    if (isHead(cursor)) continue;
    const { revision } = checkRecord(cursor);
    chunk.push({ key: keyOf(cursor), value: Buffer.from(payloadOf(cursor)), revision });
    if (chunk.length === chunkMax) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
