/** Finds generic records. */

import type { Lookup } from '../../room.ts';
import { recordBuckets, recordKey } from './keys.ts';
import type { RecordRow } from './rows.ts';

export function findRecord(reader: Lookup, namespace: string, type: string, id: string): RecordRow | undefined {
  return reader.get(recordKey(namespace, type, id)) as RecordRow | undefined;
}

export function recordsOfType(reader: Lookup, namespace: string, type: string): Iterable<RecordRow> {
  return reader.bucket(recordBuckets.ofType(namespace, type)) as Iterable<RecordRow>;
}
