/**
 * What the newest transactions of the store have overwritten, read from its files: an observer that a crash cut off can catch up. The files
 * are read from their beginning, twice: first for the keys of those transactions, then for what stood there.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { OverwrittenTransaction, StoredRecord } from '../engine.ts';
import { eachEntry } from './frame.ts';
import type { FileRange } from './log.ts';
import { Scanner } from './scan.ts';
import { framesAt, readHeader } from './store-file.ts';

/** More than that is no tail that a crash cut off, but another history. */
const keysMax = 65_536;
const bytesMax = 67_108_864;

/** Files that are open for reading, so that a compaction may remove them meanwhile. */
type OpenFiles = readonly { readonly fd: number; readonly name: string; readonly end: number }[];

/**
 * @param ranges of the store's files: they are opened at once
 * @param after the revision before the first of these transactions
 * @returns undefined when the files do not have all of them any more, or they are too many
 */
export async function overwrittenIn(dir: string, ranges: readonly FileRange[], after: number): Promise<readonly OverwrittenTransaction[] | undefined> {
  const files = ranges.map(({ name, end }) => ({ fd: openSync(join(dir, name), 'r'), name, end }));
  try {
    const keys = await keysAfter(files, after);
    return keys === undefined ? undefined : await changesOf(files, keys, after);
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
}

async function keysAfter(files: OpenFiles, after: number): Promise<ReadonlySet<string> | undefined> {
  const keys = new Set<string>();
  let isLost = false;
  await eachRecord(files, (isBase, key, revision) => {
    if (revision <= after) return;
    // A base has the newest value of each key only.
    isLost ||= isBase || keys.size > keysMax;
    if (!isLost) keys.add(key);
  });
  return isLost ? undefined : keys;
}

async function changesOf(files: OpenFiles, keys: ReadonlySet<string>, after: number): Promise<readonly OverwrittenTransaction[] | undefined> {
  const present = new Map<string, StoredRecord>();
  const transactions: { readonly revision: number; readonly changes: OverwrittenTransaction['changes'][number][] }[] = [];
  let bytes = 0;
  await eachRecord(files, (_isBase, key, revision, value) => {
    if (!keys.has(key)) return;
    const before = present.get(key);
    const record = value === undefined ? undefined : { value: Buffer.from(value), revision };
    if (record === undefined) present.delete(key);
    else present.set(key, record);
    if (revision <= after) return;
    bytes += value?.length ?? 0;
    if (bytes > bytesMax) return;
    let transaction = transactions.at(-1);
    if (transaction?.revision !== revision) transactions.push((transaction = { revision, changes: [] }));
    transaction.changes.push({ key, before, after: record });
  });
  return bytes > bytesMax ? undefined : transactions;
}

type Visit = (isBase: boolean, key: string, revision: number, value: Buffer | undefined) => void;

async function eachRecord(files: OpenFiles, visit: Visit): Promise<void> {
  for (const { fd, name, end } of files) {
    const { header, crc } = readHeader(fd, name);
    const isBase = header.kind === 'base';
    const scanner = new Scanner(fd, framesAt, crc, end);
    for (let frames = await scanner.next(); frames.length > 0; frames = await scanner.next()) {
      for (const { frame } of frames) {
        eachEntry(frame, (key, revision, isRemoved, from, to) => visit(isBase, key, revision, isRemoved ? undefined : frame.body.subarray(from, to)));
      }
    }
  }
}
