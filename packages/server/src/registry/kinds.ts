/**
 * The list of rooms: an import and a line for each. A new kind of row is a folder of `kind/`, and its line here. The
 * types of all rows and all commands follow from the list.
 */

import { decodeWith, encodeWith, type Intern } from './codec.ts';
import type { AnyTxn, AnyTxnFailure, AnyTxnOperation, AnyTxnResult, Prune, Restore } from './command.ts';
import { KindTable } from './kind-table.ts';
import { catalog } from './kind/catalog/room.ts';
import { configRoom } from './kind/config/room.ts';
import { coordinateRoom } from './kind/coordinate/room.ts';
import { kvRoom } from './kind/kv/room.ts';
import { lockRoom } from './kind/lock/room.ts';
import { memberRoom } from './kind/member/room.ts';
import { namespaceRoom } from './kind/namespace/room.ts';
import { queryRoom } from './kind/query/room.ts';
import { recordRoom } from './kind/record/room.ts';
import { routeRoom } from './kind/route/room.ts';
import { sessionRoom } from './kind/session/room.ts';
import { webhookRoom } from './kind/webhook/room.ts';
import { znodeRoom } from './kind/znode/room.ts';
import { markers } from './markers.ts';
import type { AnswerIn, CommandIn, RowIn } from './room.ts';
import type { AnyRowChange } from './row.ts';

export const rooms = [markers, memberRoom, namespaceRoom, catalog, sessionRoom, kvRoom, recordRoom, queryRoom, coordinateRoom, configRoom, lockRoom, routeRoom, webhookRoom, znodeRoom] as const;

type KnownRoom = (typeof rooms)[number];

/** Any row of the registry. */
export type Row = RowIn<KnownRoom>;
export type RowOf<K extends Row['kind']> = Extract<Row, { readonly kind: K }>;
export type RowChange = AnyRowChange<Row>;

/** A command of a room. Each may be an operation of a transaction. */
export type RoomCommand = CommandIn<KnownRoom>;
export type Txn = AnyTxn<RoomCommand>;
export type TxnOperation = AnyTxnOperation<RoomCommand>;
export type TxnFailure = AnyTxnFailure<Row>;
export type TxnResult = AnyTxnResult<Row>;

/** Any command. */
export type Command = RoomCommand | Txn | Prune | Restore;

/** What a command answers: mostly whether it was done, false when a condition did not hold. */
export type Result<C extends Command> = C extends Txn ? TxnResult : C extends Prune | Restore ? boolean : AnswerIn<KnownRoom, C['kind']>;

/** What some command answers. */
export type AnyResult = Result<Command>;

export const kinds = new KindTable<Row>(rooms);

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
