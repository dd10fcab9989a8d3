/** Finds prepared queries by id; by name: `lookup.ts`. */

import type { Lookup } from '../../room.ts';
import { queryBuckets, queryKey } from './keys.ts';
import type { QueryRow } from './rows.ts';

export function findQuery(reader: Lookup, namespace: string, id: string): QueryRow | undefined {
  return reader.get(queryKey(namespace, id)) as QueryRow | undefined;
}

export function allQueries(reader: Lookup, namespace: string): Iterable<QueryRow> {
  return reader.bucket(queryBuckets.all(namespace)) as Iterable<QueryRow>;
}
