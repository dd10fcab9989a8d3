/** The list of rooms: an import and a line for each. A new kind of row is a folder of `kind/`, and its line here. */

import { decodeWith, encodeWith, type Intern } from './codec.ts';
import { KindTable } from './kind-table.ts';
import { catalog } from './kind/catalog/room.ts';
import { kvRoom } from './kind/kv/room.ts';
import { markerRoom } from './kind/marker/room.ts';
import { memberRoom } from './kind/member/room.ts';
import { namespaceRoom } from './kind/namespace/room.ts';
import { queryRoom } from './kind/query/room.ts';
import { recordRoom } from './kind/record/room.ts';
import { sessionRoom } from './kind/session/room.ts';
import type { Room } from './room.ts';
import type { Row } from './rows.ts';

export const rooms: readonly Room[] = [
  markerRoom,
  memberRoom,
  namespaceRoom,
  catalog,
  sessionRoom,
  kvRoom,
  recordRoom,
  queryRoom,
];

export const kinds = new KindTable(rooms);

export function keyOf(row: Row): string {
  return kinds.keyOf(row);
}

export function encodeRow(row: Row): Uint8Array {
  return encodeWith(kinds, row);
}

/** @throws RegistryError as `decodeWith` */
export function decodeRow(key: string, value: Uint8Array, revision: number, intern: Intern): Row {
  return decodeWith(kinds, { key, value, revision }, intern);
}
