/** The records that requests, answers and handshakes have in common (`zookeeper.jute`). */

import { bool, buffer, id, int, long, record, string, vector, type ValueOf } from './codec.ts';

export const acl = record({ perms: int, id: record({ scheme: string, id: string }) });
export type Acl = ValueOf<typeof acl>;
export const acls = vector(acl);

export const stat = record({
  czxid: long,
  mzxid: long,
  /** Milliseconds since the Unix epoch, as `mtime`. */
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  /** Id of the session of an ephemeral znode; 0 of others. */
  ephemeralOwner: id,
  dataLength: int,
  numChildren: int,
  pzxid: long,
});
export type Stat = ValueOf<typeof stat>;

export const paths = vector(string);

export const watcherEvent = record({ type: int, state: int, path: string });

export const requestHeader = record({ xid: int, type: int });
export const replyHeader = record({ xid: int, zxid: long, err: int });
export type ReplyHeader = ValueOf<typeof replyHeader>;

/** Without the last field, which clients before 3.4 do not send. */
export const oldConnectRequest = record({ protocolVersion: int, lastZxidSeen: long, timeOut: int, sessionId: id, passwd: buffer });
export const oldConnectResponse = record({ protocolVersion: int, timeOut: int, sessionId: id, passwd: buffer });
export const readOnly = bool;

export const nothing = record({});
