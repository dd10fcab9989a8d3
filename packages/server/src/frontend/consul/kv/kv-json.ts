/** A key of the registry to the object of Consul's API (`api/kv.go`, MPL-2.0). Pure. */

import type { RowOf } from '../../../registry/kinds.ts';
import type { JsonObject } from '../wire/json.ts';

/** Only these keys, in this order: clients compare them. */
export function kvJson(row: RowOf<'kv'>): JsonObject {
  const { value } = row;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return {
    LockIndex: row.lockIndex,
    Key: row.key,
    Flags: row.flags,
    Value: bytes.length === 0 ? null : bytes.toString('base64'),
    ...(row.session === undefined ? {} : { Session: row.session }),
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}
