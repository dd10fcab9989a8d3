/**
 * The part of the history that a crash cut off, made of what the store says its newest transactions have overwritten. Their times are not
 * known; all of them happened soon after the last known one, and get its time.
 */

import { interner } from '../registry/codec.ts';
import { decodeRow } from '../registry/kinds.ts';
import { frameHeaderBytes, TransactionEncoder } from './format.ts';
import { Segment, type Point } from './segment.ts';

export interface StoredRow {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** What one transaction of the store has changed. */
export interface Overwritten {
  readonly revision: number;
  readonly changes: readonly { readonly key: string; readonly before: StoredRow | undefined; readonly after: StoredRow | undefined }[];
}

/**
 * @param transactions after `from`; undefined when the store does not know
 * @returns undefined when they do not lead from one point to the other
 */
export function gapOf(transactions: readonly Overwritten[] | undefined, from: Point, to: Point): Segment | undefined {
  const missing = transactions?.filter(({ revision }) => revision <= to.revision);
  if (missing?.at(-1)?.revision !== to.revision) return undefined;
  const encoder = new TransactionEncoder();
  const intern = interner();
  const rowOf = (key: string, row: StoredRow | undefined) => row && decodeRow(key, row.value, row.revision, intern);
  const encoded = missing.map(({ revision, changes }) => {
    encoder.begin(revision, from.atMs);
    for (const { key, before, after } of changes) {
      const change = { key, before: rowOf(key, before), after: rowOf(key, after) };
      if (change.before !== undefined || change.after !== undefined) encoder.add(change);
    }
    return { revision, bytes: Buffer.from(encoder.end()) };
  });
  const segment = new Segment(from, encoded.reduce((sum, { bytes }) => sum + bytes.length, frameHeaderBytes));
  for (const { revision, bytes } of encoded) segment.add(bytes, { revision, atMs: from.atMs });
  return segment;
}
