/**
 * Several transactions that share one write to the disk.
 *
 * They take effect one after the other: each is checked against what the ones before it will have
 * written. Nothing here touches the disk, and nothing is remembered if the write fails.
 */

import type { CommitResult, EngineEvent, Transaction } from '../engine.ts';
import type { Write } from './driver.ts';
import type { Loaded } from './load.ts';
import { addMark, encodeHead, encodeValue, headKey, markOf, removeMark, storedKey, type Head } from './stored-record.ts';

export interface Group {
  /** One result for each transaction, in order; true only once the writes are durable. */
  readonly results: readonly CommitResult[];
  /** The transactions that take effect, as the feed shows them. */
  readonly events: readonly Extract<EngineEvent, { kind: 'transaction' }>[];
  readonly head: Head;
  readonly headWrite: Write;
  readonly writes: readonly Write[];
  /** The revision of each changed record afterwards; 0 when it is gone. */
  readonly revisions: ReadonlyMap<string, number>;
}

export function plan(store: Loaded, transactions: readonly Transaction[]): Group {
  const results: CommitResult[] = [];
  const events: Extract<EngineEvent, { kind: 'transaction' }>[] = [];
  const changed = new Map<string, { value: Uint8Array | undefined; revision: number }>();
  let last = store.head.revision;

  for (const { expect, put, delete: removed, revisionAtLeast } of transactions) {
    const failed = expect.find(({ key, revision }) => revisionOf(key) !== revision);
    if (failed !== undefined) {
      results.push({ ok: false, key: failed.key, revision: revisionOf(failed.key) });
      continue;
    }
    last = Math.max(last + 1, revisionAtLeast ?? 0);
    for (const key of removed) changed.set(key, { value: undefined, revision: 0 });
    for (const { key, value } of put) changed.set(key, { value, revision: last });
    results.push({ ok: true, revision: last });
    events.push({ kind: 'transaction', revision: last, put, delete: removed });
  }
  return { results, events, ...encode(store, last, changed) };

  function revisionOf(key: string): number {
    return changed.get(key)?.revision ?? store.revisions.get(key) ?? 0;
  }
}

function encode(
  store: Loaded,
  revision: number,
  changed: ReadonlyMap<string, { value: Uint8Array | undefined; revision: number }>,
): Pick<Group, 'head' | 'headWrite' | 'writes' | 'revisions'> {
  const writes: Write[] = [];
  const revisions = new Map<string, number>();
  let { records, sum } = store.head;
  for (const [key, after] of changed) {
    const before = store.revisions.get(key);
    if (before === undefined && after.value === undefined) continue;
    const stored = storedKey(key);
    if (before !== undefined) {
      sum = removeMark(sum, markOf(stored, before));
      records--;
    }
    if (after.value === undefined) {
      writes.push({ key: stored, value: undefined, revision: 0 });
    } else {
      const mark = markOf(stored, after.revision);
      sum = addMark(sum, mark);
      records++;
      writes.push({ key: stored, value: encodeValue(after.value, mark), revision: after.revision });
    }
    revisions.set(key, after.revision);
  }
  const head: Head = { ...store.head, revision, records, sum };
  return { head, headWrite: { key: headKey, value: encodeHead(head), revision }, writes, revisions };
}
