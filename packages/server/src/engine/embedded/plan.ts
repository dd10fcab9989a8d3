/**
 * Plans the effect of transactions on the store before anything is written.
 *
 * They take effect one after the other: each is checked against the state that the ones before it will have
 * written. Nothing here touches the disk, and nothing is remembered if the write fails. A large transaction takes many
 * steps, between which nothing else may change the store.
 */

import { putsUnder } from '../changes-feed.ts';
import type { CommitResult, EngineEvent, RangeGuard, Transaction } from '../engine.ts';
import { addMark, Frames, markOf, removeMark, usualEntryBytes, type Head } from './frame.ts';

export interface Plan {
  /** One result for each transaction, in order; true only once the frames are on the disk. */
  readonly results: readonly CommitResult[];
  /** The transactions that take effect, as the feed shows them. */
  readonly events: readonly Extract<EngineEvent, { kind: 'transaction' }>[];
  readonly frames: readonly Buffer[];
  /** Totals of the store afterwards. */
  readonly head: Head;
  /** The revision of each changed record afterwards; 0 when it is gone. */
  readonly revisions: ReadonlyMap<string, number>;
}

/** Copying so many bytes counts as one more step. */
const stepBytes = 16_384;

/**
 * A step is one record.
 * @param holds whether a guard holds for the durable state
 */
export function* planning(
  start: Head,
  before: Pick<ReadonlyMap<string, number>, 'get'>,
  holds: (guard: RangeGuard) => boolean,
  transactions: readonly Transaction[],
): Generator<void, Plan, undefined> {
  const results: CommitResult[] = [];
  const events: Extract<EngineEvent, { kind: 'transaction' }>[] = [];
  const frames: Buffer[] = [];
  const revisions = new Map<string, number>();
  const revisionOf = (key: string): number => revisions.get(key) ?? before.get(key) ?? 0;
  let head = start;

  for (const transaction of transactions) {
    const failed = transaction.expect.find(({ key, revision }) => revisionOf(key) !== revision);
    if (failed !== undefined) {
      results.push({ ok: false, key: failed.key, revision: revisionOf(failed.key) });
      continue;
    }
    const broken = transaction.guards?.find(
      (guard) => !holds(guard) || events.some((event) => event.revision > guard.notAfter && putsUnder(event, guard.under)),
    );
    if (broken !== undefined) {
      results.push({ ok: false, key: broken.under, revision: 0 });
      continue;
    }
    const revision = Math.max(head.revision + 1, transaction.revisionAtLeast ?? 0);
    let { records, sum } = head;
    const made = new Frames(usualBytes(transaction));
    for (const [key, value] of yield* changesOf(transaction)) {
      const replaced = revisionOf(key);
      if (replaced === 0 && value === undefined) continue;
      const written = made.add(key, value, revision);
      if (replaced !== 0) {
        sum = removeMark(sum, markOf(key, replaced));
        records--;
      }
      if (value !== undefined) {
        sum = addMark(sum, markOf(key, revision));
        records++;
      }
      revisions.set(key, value === undefined ? 0 : revision);
      for (let bytes = 0; bytes <= written; bytes += stepBytes) yield;
    }
    head = { revision, records, sum };
    for (const frame of made.end(head)) frames.push(frame);
    results.push({ ok: true, revision });
    events.push({ kind: 'transaction', revision, put: transaction.put, delete: transaction.delete });
  }
  return { results, events, frames, head, revisions };
}

/** Bytes of its entries, about. */
function usualBytes(transaction: Transaction): number {
  let bytes = 0;
  for (const key of transaction.delete) bytes += usualEntryBytes(key, undefined);
  for (const { key, value } of transaction.put) bytes += usualEntryBytes(key, value);
  return bytes;
}

/** Each key once; a key that is both removed and put is put. */
function* changesOf(transaction: Transaction): Generator<void, Map<string, Uint8Array | undefined>, undefined> {
  const changes = new Map<string, Uint8Array | undefined>();
  for (const key of transaction.delete) {
    changes.set(key, undefined);
    yield;
  }
  for (const { key, value } of transaction.put) {
    changes.set(key, value);
    yield;
  }
  return changes;
}
