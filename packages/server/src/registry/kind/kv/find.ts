/** Finds keys of the key/value store. */

import type { Frozen } from '../../frozen.ts';
import type { Reader } from '../../reader.ts';
import type { Lookup } from '../../room.ts';
import { delayKey, kvBuckets, kvKey, tombstoneKey } from './keys.ts';
import type { DelayRow, KvRow, TombstoneRow } from './rows.ts';

export function findKv(reader: Lookup, namespace: string, key: string): KvRow | undefined {
  return reader.get(kvKey(namespace, key)) as KvRow | undefined;
}

export function findTombstone(reader: Lookup, namespace: string, key: string): TombstoneRow | undefined {
  return reader.get(tombstoneKey(namespace, key)) as TombstoneRow | undefined;
}

export function findDelay(reader: Lookup, namespace: string, key: string): DelayRow | undefined {
  return reader.get(delayKey(namespace, key)) as DelayRow | undefined;
}

/** Keys that a session holds, in no particular order. */
export function heldKeysIn(reader: Lookup, namespace: string): Iterable<KvRow> {
  return reader.bucket(kvBuckets.held(namespace)) as Iterable<KvRow>;
}

/** The keys under a prefix. @param after only those above this one */
export function kvKeysUnder(reader: Pick<Reader, 'ordered'>, namespace: string, prefix: string, after?: string): Iterable<string> {
  return reader.ordered('kv', namespace, prefix, after);
}

/** The keys under a prefix as they were, in pieces, some of which may be empty: the reader may wait for another turn between two of them. */
export function kvPiecesUnder(frozen: Pick<Frozen, 'orderedPieces'>, namespace: string, prefix: string, after?: string): Iterable<readonly string[]> {
  return frozen.orderedPieces('kv', namespace, prefix, after);
}
