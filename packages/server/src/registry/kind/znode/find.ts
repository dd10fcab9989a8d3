/**
 * Finds znodes, their children, ACLs and stats; the same over a State and a Draft.
 *
 * Some znodes always exist, as in ZooKeeper's `DataTree`: the root, and `/zookeeper` with what its clients expect there. They have a row only once a
 * client has changed them, and cannot be deleted. Quotas are kept like other znodes, and are not enforced.
 */

import type { Lookup } from '../../room.ts';
import { isOf } from '../../row.ts';
import { sessionBuckets } from '../session/keys.ts';
import { aclKey, childrenKey, nameOf, znodeBuckets, znodeKey } from './keys.ts';
import { openAcl, perms, type Acl, type ZnodeAclRow, type ZnodeChildrenRow, type ZnodeRow } from './rows.ts';

/** A znode, built-in ones included. */
export function findZnode(reader: Lookup, namespace: string, path: string): ZnodeRow | undefined {
  return (reader.get(znodeKey(namespace, path)) as ZnodeRow | undefined) ?? builtInZnode(namespace, path);
}

/** The counts of a znode's children; undefined before its first child. */
export function findChildren(reader: Lookup, namespace: string, path: string): ZnodeChildrenRow | undefined {
  return reader.get(childrenKey(namespace, path)) as ZnodeChildrenRow | undefined;
}

/** The ACL of a znode that exists. */
export function aclOf(reader: Lookup, namespace: string, path: string): readonly Acl[] {
  return findAcl(reader, namespace, path)?.acl ?? openAcl;
}

/** Undefined while the ACL is open to all, and was never set. */
export function findAcl(reader: Lookup, namespace: string, path: string): ZnodeAclRow | undefined {
  return (reader.get(aclKey(namespace, path)) as ZnodeAclRow | undefined) ?? builtInAcl(namespace, path);
}

/**
 * Names of the children of a znode, in no particular order, built-in ones included. The rows are copied at the first step, so a caller with many of
 * them may do the others in later turns.
 */
export function* childNames(reader: Lookup, namespace: string, path: string): Generator<string, void, undefined> {
  yield* builtInChildren(path);
  for (const { path: child } of [...reader.bucket(znodeBuckets.childrenOf(namespace, path))] as ZnodeRow[]) yield nameOf(child);
}

/** The ephemeral znodes of a session, in no particular order. */
export function* ephemeralsOf(reader: Lookup, namespace: string, session: string): Generator<ZnodeRow, void, undefined> {
  for (const row of reader.bucket(sessionBuckets.held(namespace, session))) if (isOf<ZnodeRow>(row, 'znode')) yield row;
}

/** Containers and znodes with a TTL, of every namespace. */
export function reapedZnodes(reader: Lookup): Iterable<ZnodeRow> {
  return reader.bucket(znodeBuckets.reaped()) as Iterable<ZnodeRow>;
}

/** ZooKeeper's stat of a znode. Zxids are revisions. */
export interface ZnodeStat {
  readonly czxid: number;
  readonly mzxid: number;
  /** Of the last change of the list of children. */
  readonly pzxid: number;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  /** Changes of the list of children. */
  readonly cversion: number;
  readonly aversion: number;
  /** The session of an ephemeral znode. */
  readonly session: string | undefined;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** Undefined when there is no such znode. Not for a draft, whose rows have no revisions yet: `statAt`. */
export function statOf(reader: Lookup, namespace: string, path: string): ZnodeStat | undefined {
  return statAt(reader, namespace, path)?.(0);
}

/** The stat of a znode as it is now. @returns a function of the revision that the rows get which are not committed yet */
export function statAt(reader: Lookup, namespace: string, path: string): ((revision: number) => ZnodeStat) | undefined {
  const written = reader.get(znodeKey(namespace, path)) as ZnodeRow | undefined;
  const row = written ?? builtInZnode(namespace, path);
  if (row === undefined) return undefined;
  const list = findChildren(reader, namespace, path);
  return statOfRows({ row, isWritten: written !== undefined, list, aversion: findAcl(reader, namespace, path)?.version ?? 0 });
}

export interface StatRows {
  readonly row: ZnodeRow;
  /** False of one that always exists, and that no client has changed. */
  readonly isWritten: boolean;
  readonly list: ZnodeChildrenRow | undefined;
  /** How often its ACL was set. */
  readonly aversion: number;
}

/** `statAt` for a caller that has the rows. */
export function statOfRows({ row, isWritten, list, aversion }: StatRows): (revision: number) => ZnodeStat {
  const { path, session, version, ctimeMs, mtimeMs, data } = row;
  const numChildren = (list?.children ?? 0) + builtInChildren(path).length;
  const cversion = (2 * (list?.sequence ?? 0) - numChildren) | 0;
  return (revision) => {
    const at = (own: number) => (own === 0 ? revision : own);
    const czxid = isBuiltIn(path) ? 0 : at(row.created);
    const pzxid = list === undefined ? czxid : at(list.modified);
    return { czxid, mzxid: isWritten ? at(row.modified) : 0, pzxid, ctimeMs, mtimeMs, version, cversion, aversion, session, dataLength: data.length, numChildren };
  };
}

const ofRoot = ['zookeeper'];
const ofZookeeper = ['config', 'quota'];
const none: readonly string[] = [];
const belowRoot = new Set(['/zookeeper', '/zookeeper/config', '/zookeeper/quota']);
const noData = new Uint8Array(0);

/** ZooKeeper lets clients read its configuration, and change it by another request only. */
const configAcl: readonly Acl[] = [{ perms: perms.read, scheme: 'world', id: 'anyone' }];
const configPath = '/zookeeper/config';

export function isBuiltIn(path: string): boolean {
  // Most paths are found not to be by their first characters, without a hash of the whole path.
  return path === '/' || (path.startsWith('/zookeeper') && belowRoot.has(path));
}

/** Names of the children that always exist. */
function builtInChildren(path: string): readonly string[] {
  return path === '/' ? ofRoot : path === '/zookeeper' ? ofZookeeper : none;
}

/** A znode that always exists, as it is before a client changes it. */
export function builtInZnode(namespace: string, path: string): ZnodeRow | undefined {
  if (!isBuiltIn(path)) return undefined;
  return { kind: 'znode', namespace, path, data: noData, version: 0, ctimeMs: 0, mtimeMs: 0, nth: 0, created: 0, modified: 0 };
}

function builtInAcl(namespace: string, path: string): ZnodeAclRow | undefined {
  if (path !== configPath) return undefined;
  return { kind: 'znode-acl', namespace, path, acl: configAcl, version: -1, created: 0, modified: 0 };
}
