/** The answers of a server and its notifications: a header, and a body when there is no error. */

import { buffer, int, record, string, vector, type Codec, type ValueOf } from './codec.ts';
import { xids, type EventType, type OpName, syncConnected } from './codes.ts';
import type { JuteInput } from './input.ts';
import { multiResponse } from './multi.ts';
import { JuteOutput } from './output.ts';
import { acls, nothing, paths, replyHeader, stat, watcherEvent } from './records.ts';

const withStat = record({ stat });
const withPathAndStat = record({ path: string, stat });
const results = record({ results: multiResponse });

export const replyBodies = {
  create: record({ path: string }),
  create2: withPathAndStat,
  createContainer: withPathAndStat,
  createTTL: withPathAndStat,
  delete: nothing,
  exists: withStat,
  getData: record({ data: buffer, stat }),
  setData: withStat,
  getACL: record({ acl: acls, stat }),
  setACL: withStat,
  getChildren: record({ children: paths }),
  getChildren2: record({ children: paths, stat }),
  sync: record({ path: string }),
  ping: nothing,
  check: withStat,
  multi: results,
  multiRead: results,
  reconfig: record({ data: buffer, stat }),
  checkWatches: nothing,
  removeWatches: nothing,
  closeSession: nothing,
  auth: nothing,
  setWatches: nothing,
  sasl: record({ token: buffer }),
  getEphemerals: record({ ephemerals: paths }),
  getAllChildrenNumber: record({ totalNumber: int }),
  setWatches2: nothing,
  addWatch: record({ err: int }),
  whoAmI: record({ clientInfo: vector(record({ authScheme: string, user: string })) }),
} as const satisfies Record<OpName, Codec<object>>;

export type ReplyBody<O extends OpName> = ValueOf<(typeof replyBodies)[O]>;

/** @returns the packet with its length */
export function encodeReply<O extends OpName>(xid: number, zxid: number, op: O, body: ReplyBody<O>): Buffer {
  const output = new JuteOutput();
  replyHeader.write(output, { xid, zxid, err: 0 });
  (replyBodies[op] as Codec<ReplyBody<O>>).write(output, body);
  return output.packet();
}

/** A body is encoded once for all who ask for it: an answer is its header and these bytes. */
export function encodeBody<O extends OpName>(op: O, body: ReplyBody<O>): Buffer {
  const output = new JuteOutput();
  (replyBodies[op] as Codec<ReplyBody<O>>).write(output, body);
  return output.content();
}

/** The length of a packet and its header; `bodyBytes` follow. */
export function encodeReplyHead(xid: number, zxid: number, bodyBytes: number): Buffer {
  const head = Buffer.allocUnsafe(20);
  head.writeInt32BE(16 + bodyBytes, 0);
  head.writeInt32BE(xid, 4);
  head.writeBigInt64BE(BigInt(zxid), 8);
  head.writeInt32BE(0, 16);
  return head;
}

/** @param err one of `errorCodes` */
export function encodeError(xid: number, zxid: number, err: number): Buffer {
  const output = new JuteOutput(16);
  replyHeader.write(output, { xid, zxid, err });
  return output.packet();
}

export function encodeNotification(zxid: number, type: EventType, path: string): Buffer {
  const output = new JuteOutput(28 + path.length * 3);
  replyHeader.write(output, { xid: xids.notification, zxid, err: 0 });
  watcherEvent.write(output, { type, state: syncConnected, path });
  return output.packet();
}

/**
 * The body of an answer without error, behind its header. The client knows by the header's xid which request it answers.
 * @throws RegistryError `invalid_argument`
 */
export function readReply<O extends OpName>(op: O, input: JuteInput): ReplyBody<O> {
  return replyBodies[op].read(input) as ReplyBody<O>;
}
