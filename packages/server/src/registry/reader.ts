/**
 * The port by which decisions and views read the registry's rows. Buckets are secondary indexes; each room names its own.
 *
 * Two implementations: `State` (what is committed) and `Draft` (a State with decided but not yet committed writes on
 * top). The rooms have typed finders over it (`kind/NAME/find.ts`).
 */

import type { KindTable } from './kind-table.ts';
import type { Lookup, RoomIndex } from './room.ts';
import type { AnyRow } from './row.ts';

export interface Reader extends Lookup {
  /** Whether there is a record at the key that this program keeps without reading it; `get` does not show it. */
  isUnread(key: string): boolean;
  /** The rows of a bucket, in no particular order. During iteration, rows of the bucket may be deleted or put again. */
  bucket(bucket: string): Iterable<AnyRow>;
  /**
   * The keys of an ordered kind's rows under a prefix; a State yields them in order, a Draft first those that it wrote
   * itself.
   * @param after only those above this one
   */
  ordered(kind: string, namespace: string, prefix: string, after?: string): Iterable<string>;
  /** How many rows a bucket has. Only a State knows. */
  bucketSize?(bucket: string): number;
  /** The index of a room over the committed rows. Only a State has it. */
  index?(room: string): RoomIndex | undefined;
  /** As `State.base`; 0 when absent. */
  readonly base?: number;
  /** What is known of the kinds of rows. */
  readonly kinds: KindTable;
}
