/**
 * Reads a whole store at the start: checks every byte, collects the keys and finds the end of the
 * log. Writes nothing, except that it erases a write that a crash cut off.
 */

import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { inTurns } from '../../in-turns.ts';
import { KeyMap } from '../../key-map.ts';
import { addMark, damaged, eachEntry, frameKind, markOf, type Frame, type Head } from './frame.ts';
import type { FileRange, LogEnd } from './log.ts';
import { endOfData, isFollowedByGroup, Scanner } from './scan.ts';
import { framesAt, readEndMark, readHeader } from './store-file.ts';

/** A yield takes as long as a record. */
const recordsPerYield = 16;

/** A store as it is kept in memory. */
export interface Loaded {
  readonly head: Head;
  /** The revision of every record, by key. */
  readonly revisions: KeyMap<number>;
  /** Of every entry of the files, in their order (`KnownKeys`). */
  readonly keys: readonly string[];
  readonly end: LogEnd;
  /** The files before the last one. */
  readonly before: readonly FileRange[];
  /** Whether the last log has an end mark. */
  readonly marked: boolean;
  /** Bytes of a write that a crash cut off; it was never acknowledged. */
  readonly cutOff: number;
}

/** Where the whole transactions of one file end. */
interface Ending {
  readonly position: number;
  readonly previous: number;
  readonly last: Frame['kind'] | undefined;
}

/**
 * @param names of the store's files in their order: at most one base, then logs
 * @throws RegistryError `data_loss` or `failed_precondition`
 */
export async function load(dir: string, names: readonly string[]): Promise<Loaded> {
  const store = new Replay();
  const before: FileRange[] = [];
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    const fd = openSync(join(dir, name), isLast ? 'r+' : 'r');
    try {
      const { header, crc } = readHeader(fd, name);
      const size = fstatSync(fd).size;
      if (header.kind === 'log') {
        if (size !== header.length) throw damaged(`${name} has ${size} bytes, it was made with ${header.length}`);
        store.expect(header.start, name);
      }
      const end = await store.play(new Scanner(fd, framesAt, crc, size), header.kind === 'base');
      if (!isLast || header.kind === 'base') {
        if (header.kind === 'base' && end.position !== size) throw damaged(`${name} is cut off`);
        before.push({ name, end: end.position });
        continue;
      }
      if (end.last === frameKind.continued) throw damaged(`the file after ${name} is missing`);
      const mark = readEndMark(fd);
      if (mark !== undefined && (mark.position !== end.position || mark.previous !== end.previous)) {
        throw damaged(`${name} ended at byte ${mark.position}, it is readable up to ${end.position}`);
      }
      await inTurns(store.checkingSum());
      const cutOff = mark === undefined ? await clearTail(fd, name, end.position, size) : 0;
      return {
        head: store.head,
        revisions: store.revisions,
        keys: store.keys,
        end: { sequence: header.sequence, position: end.position, length: header.length, previous: end.previous },
        before,
        marked: mark !== undefined,
        cutOff,
      };
    } finally {
      closeSync(fd);
    }
  }
  throw damaged('its last log is missing');
}

/** Folds frames into keys and revisions. */
class Replay {
  readonly revisions = new KeyMap<number>();
  readonly keys: string[] = [];
  #records = 0;
  head: Head = { revision: 0, records: 0, sum: 0 };

  /** A log begins where the file before it ended. */
  expect(start: Head, name: string): void {
    const { revision, records, sum } = this.head;
    if (start.revision !== revision || start.records !== records || start.sum !== sum) {
      throw damaged(`${name} begins at revision ${start.revision}, the file before it ends at ${revision}`);
    }
  }

  /** @param whole whether the file must be complete anyway, so that parts take effect at once */
  async play(scanner: Scanner, whole: boolean): Promise<Ending> {
    let ending: Ending = { position: scanner.position, previous: scanner.previous, last: undefined };
    let parts: [key: string, revision: number][] = [];
    let keys = this.keys.length;
    const hold = (key: string, revision: number, isRemoved: boolean): void => {
      this.keys.push(key);
      parts.push([key, isRemoved ? 0 : revision]);
    };
    const apply = (key: string, revision: number, isRemoved: boolean): void => {
      this.keys.push(key);
      this.#set(key, isRemoved ? 0 : revision);
    };
    for (let frames = await scanner.next(); frames.length > 0; frames = await scanner.next()) {
      for (const { frame, at } of frames) {
        if (frame.kind === frameKind.part) {
          eachEntry(frame, whole ? apply : hold);
          continue;
        }
        for (const [key, revision] of parts) this.#set(key, revision);
        parts = [];
        eachEntry(frame, apply);
        this.#arriveAt(frame);
        ending = { position: at + frame.bytes, previous: frame.crc, last: frame.kind };
        keys = this.keys.length;
      }
    }
    // Those of parts without an end, which a crash cut off.
    this.keys.length = keys;
    return ending;
  }

  #set(key: string, revision: number): void {
    const map = this.revisions.mapOf(key);
    const before = map.size;
    if (revision === 0) map.delete(key);
    else map.set(key, revision);
    this.#records += map.size - before;
  }

  #arriveAt({ kind, head }: Frame): void {
    const { revision } = this.head;
    if (kind === frameKind.end ? head.revision <= revision : head.revision !== revision) {
      throw damaged(`revision ${head.revision} follows ${revision}`);
    }
    if (this.#records !== head.records) {
      throw damaged(`at revision ${head.revision} it has ${this.#records} records instead of ${head.records}`);
    }
    this.head = head;
  }

  /** A step is one record. */
  *checkingSum(): Generator<number, void, undefined> {
    let sum = 0;
    let records = 0;
    for (const [key, revision] of this.revisions) {
      sum = addMark(sum, markOf(key, revision));
      if (++records % recordsPerYield === 0) yield recordsPerYield;
    }
    if (sum !== this.head.sum) throw damaged('its records do not match the checksum of its last transaction');
  }
}

/**
 * Erases a write that a crash cut off after the last whole transaction of the last log. Such a write was
 * never acknowledged. If a later group follows, the write had been flushed, so the file is damaged.
 *
 * @returns the number of erased bytes
 */
async function clearTail(fd: number, name: string, position: number, length: number): Promise<number> {
  const written = await endOfData(fd, position, length);
  if (written === position) return 0;
  if (await isFollowedByGroup(fd, position, length)) throw damaged(`${name} is unreadable at byte ${position}`);
  ftruncateSync(fd, position);
  ftruncateSync(fd, length);
  fsyncSync(fd);
  return written - position;
}
