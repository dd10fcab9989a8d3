/**
 * Decisions about znodes. Refusals come in the order of ZooKeeper's `PrepRequestProcessor.pRequest2Txn`: a client that makes two mistakes is told
 * the same one by both.
 *
 * Each change of a list of children writes the row that counts them, so two writers of one list never overlap, and a znode is never deleted
 * while a child comes.
 */

import type { Draft } from '../../draft.ts';
import { Removal } from '../../removal.ts';
import type { Dated } from '../../room.ts';
import type { AnyRow, Unfinished } from '../../row.ts';
import type { Steps } from '../../steps.ts';
import { findSession } from '../session/find.ts';
import { sessionBuckets } from '../session/keys.ts';
import { aclAllows, isOpen, resolvedAcl } from './acl.ts';
import { ttlMsMax, znodeLimits, type ZnodeCheck, type ZnodeClient, type ZnodeCreate, type ZnodeDelete, type ZnodeSet, type ZnodeSetAcl } from './commands.ts';
import { aclOf, builtInZnode, findAcl, findChildren, findZnode, isBuiltIn, statAt, statOfRows, type ZnodeStat } from './find.ts';
import { dropInstance, followsData } from './instance.ts';
import { childrenKey, parentOf, znodeKey } from './keys.ts';
import { assertPath, sequenceText } from './path.ts';
import { openAcl, perms, type Acl, type AclId, type ZnodeAclRow, type ZnodeChildrenRow, type ZnodeRow } from './rows.ts';
import { shown, ZnodeError } from './znode-error.ts';

const unwritten = { created: 0, modified: 0 } as const;
const noBytes = new Uint8Array(0);

export interface ZnodeCreated {
  readonly path: string;
  readonly stat: ZnodeStat;
}

export function createZnode(draft: Draft, command: ZnodeCreate, now: number): Dated<ZnodeCreated> {
  const { namespace, client, data, mode, ttlMs, sequential = false, ensure = [] } = command;
  assertTtl(command);
  assertSession(draft, namespace, client);
  const parentPath = checkedParent(command.path);
  const acl = resolvedAcl(command.path, command.acl, client.ids);
  for (const path of ensure) ensureContainer(draft, namespace, path, now);
  const parent = findZnode(draft, namespace, parentPath);
  if (parent === undefined) throw noNode(parentPath);
  assertAllowed(aclOf(draft, namespace, parentPath), { path: parentPath, bits: perms.create, ids: client.ids });
  const siblings = findChildren(draft, namespace, parentPath);
  const { sequence = 0, children = 0 } = siblings ?? {};
  const path = sequential ? command.path + sequenceText(sequence) : command.path;
  assertPath(path);
  const key = znodeKey(namespace, path);
  if (draft.get(key) !== undefined || isBuiltIn(path)) throw new ZnodeError('node-exists', `znode ${shown(path)} exists already`);
  if (parent.session !== undefined) throw new ZnodeError('no-children-for-ephemerals', `znode ${shown(parentPath)} is ephemeral, so it cannot have children`);
  assertData(path, data);
  if (children >= znodeLimits.childrenMax) {
    throw new ZnodeError('quota-exceeded', `znode ${shown(parentPath)} has ${children} children, which is the limit`);
  }
  const session = mode === 'ephemeral' ? client.session : undefined;
  if (session !== undefined && draft.committedIn(sessionBuckets.held(namespace, session)) >= znodeLimits.heldMax) {
    throw new ZnodeError('quota-exceeded', `session ${session} holds ${znodeLimits.heldMax} znodes, which is the limit`);
  }
  const lifetime = mode === 'container' || mode === 'ttl' ? mode : undefined;
  const row = rowOf({ namespace, path, data, version: 0, ctimeMs: now, mtimeMs: now, nth: sequence, session, lifetime, ttlMs });
  if (followsData(draft, row, command.bases, now)) row.instance = true;
  putNew(draft, key, row, siblings);
  if (!isOpen(acl)) draft.put<ZnodeAclRow>({ kind: 'znode-acl', namespace, path, acl, version: 0, ...unwritten });
  // A new znode has no children, and its ACL was never set.
  const stat = statOfRows({ row, isWritten: true, list: undefined, aversion: 0 });
  return (revision) => ({ path, stat: stat(revision) });
}

export function setZnode(draft: Draft, { namespace, path, data, version, client, bases }: ZnodeSet, now: number): Dated<ZnodeStat> {
  assertSession(draft, namespace, client);
  assertPath(path);
  const key = znodeKey(namespace, path);
  const written = draft.get(key) as ZnodeRow | undefined;
  const before = written ?? builtInZnode(namespace, path);
  if (before === undefined) throw noNode(path);
  const acl = findAcl(draft, namespace, path);
  assertAllowed(acl?.acl ?? openAcl, { path, bits: perms.write, ids: client.ids });
  assertData(path, data);
  const next = nextVersion(path, 'data', before.version, version);
  const { ctimeMs, nth, session, lifetime, ttlMs, instance } = before;
  const row = rowOf({ namespace, path, data, version: next, ctimeMs, mtimeMs: now, nth, session, lifetime, ttlMs });
  if (followsData(draft, row, bases, now)) row.instance = true;
  // Its version is another one, so it differs.
  replace(draft, key, written, row);
  if (instance === true && row.instance === undefined) dropInstance(draft, row, now);
  return statOfRows({ row, isWritten: true, list: findChildren(draft, namespace, path), aversion: acl?.version ?? 0 });
}

export function* deleteZnode(draft: Draft, { namespace, path, version, client }: ZnodeDelete, now: number): Steps<true> {
  assertSession(draft, namespace, client);
  const parentPath = checkedParent(path);
  if (isBuiltIn(path)) throw new ZnodeError('bad-arguments', `znode ${shown(path)} always exists`);
  existing(draft, namespace, parentPath);
  assertAllowed(aclOf(draft, namespace, parentPath), { path: parentPath, bits: perms.delete, ids: client.ids });
  const row = existing(draft, namespace, path);
  nextVersion(path, 'data', row.version, version);
  const { children = 0 } = findChildren(draft, namespace, path) ?? {};
  if (children > 0) throw new ZnodeError('not-empty', `znode ${shown(path)} has ${children} children; delete them first`);
  yield* new Removal(draft, now).remove(row);
  return true;
}

export function checkZnode(draft: Draft, { namespace, path, version, client }: ZnodeCheck): true {
  assertSession(draft, namespace, client);
  assertPath(path);
  const row = existing(draft, namespace, path);
  assertAllowed(aclOf(draft, namespace, path), { path, bits: perms.read, ids: client.ids });
  nextVersion(path, 'data', row.version, version);
  return true;
}

export function setAcl(draft: Draft, { namespace, path, acl: given, version, client }: ZnodeSetAcl): Dated<ZnodeStat> {
  assertSession(draft, namespace, client);
  assertPath(path);
  const acl = resolvedAcl(path, given, client.ids);
  existing(draft, namespace, path);
  assertAllowed(aclOf(draft, namespace, path), { path, bits: perms.admin, ids: client.ids });
  const before = findAcl(draft, namespace, path)?.version ?? 0;
  draft.put<ZnodeAclRow>({ kind: 'znode-acl', namespace, path, acl, version: nextVersion(path, 'ACL', before, version), ...unwritten });
  return statNow(draft, namespace, path);
}

type Given = Pick<ZnodeRow, 'namespace' | 'path' | 'version' | 'ctimeMs' | 'mtimeMs' | 'nth'> & {
  readonly data: Uint8Array | null;
  readonly session: string | undefined;
  readonly lifetime: ZnodeRow['lifetime'] | undefined;
  readonly ttlMs: number | undefined;
};

/** One literal, then the fields that few rows have: a row that is made by spreading another one takes twice the memory. */
function rowOf({ namespace, path, data, version, ctimeMs, mtimeMs, nth, session, lifetime, ttlMs }: Given): Unfinished<ZnodeRow> {
  const row: Unfinished<ZnodeRow> = { kind: 'znode', namespace, path, data: data ?? noBytes, version, ctimeMs, mtimeMs, nth, created: 0, modified: 0 };
  if (data === null) row.noData = true;
  if (session !== undefined) row.session = session;
  if (lifetime !== undefined) row.lifetime = lifetime;
  if (ttlMs !== undefined) row.ttlMs = ttlMs;
  return row;
}

/**
 * Writes a new znode, and counts it.
 * @param key of the row, which does not exist
 * @param siblings the list of its parent; undefined before its first child
 */
function putNew(draft: Draft, key: string, row: Unfinished<ZnodeRow>, siblings: ZnodeChildrenRow | undefined): void {
  const { namespace, path } = row;
  const parent = parentOf(path);
  const { sequence = 0, children = 0 } = siblings ?? {};
  draft.overwrite(key, undefined, row);
  replace(draft, childrenKey(namespace, parent), siblings, { kind: 'znode-children', namespace, path: parent, sequence: sequence + 1, children: children + 1, ...unwritten });
}

/** Writes a row that differs from the present one. The rows of a multi are many, so none is looked up a second time. */
function replace(draft: Draft, key: string, before: AnyRow | undefined, row: ZnodeRow | ZnodeChildrenRow): void {
  if (before !== undefined) draft.keepUnknown(before, row);
  draft.overwrite(key, before, row);
}

function ensureContainer(draft: Draft, namespace: string, path: string, now: number): void {
  assertPath(path);
  const key = znodeKey(namespace, path);
  if (draft.get(key) !== undefined || isBuiltIn(path)) return;
  const parent = parentOf(path);
  existing(draft, namespace, parent);
  const siblings = findChildren(draft, namespace, parent);
  const row = rowOf({ namespace, path, data: noBytes, version: 0, ctimeMs: now, mtimeMs: now, nth: siblings?.sequence ?? 0, session: undefined, lifetime: 'container', ttlMs: undefined });
  putNew(draft, key, row, siblings);
}

function existing(draft: Draft, namespace: string, path: string): ZnodeRow {
  const row = findZnode(draft, namespace, path);
  if (row === undefined) throw noNode(path);
  return row;
}

function noNode(path: string): ZnodeError {
  return new ZnodeError('no-node', `znode ${shown(path)} does not exist`);
}

function statNow(draft: Draft, namespace: string, path: string): Dated<ZnodeStat> {
  const stat = statAt(draft, namespace, path);
  if (stat === undefined) throw noNode(path);
  return stat;
}

function assertTtl({ path, mode, ttlMs }: ZnodeCreate): void {
  const isValid = mode === 'ttl' ? ttlMs !== undefined && ttlMs > 0 && ttlMs <= ttlMsMax : ttlMs === undefined;
  if (isValid) return;
  const rule = mode === 'ttl' ? `must be 1 to ${ttlMsMax} milliseconds` : `needs the mode ttl, not ${mode}`;
  throw new ZnodeError('bad-arguments', `the TTL ${ttlMs ?? 'that is missing'} of znode ${shown(path)} ${rule}`);
}

/** The session must live, and the connection must be its newest. */
function assertSession(draft: Draft, namespace: string, { session, epoch }: ZnodeClient): void {
  const row = findSession(draft, namespace, session);
  if (row === undefined || row.ending === true) throw new ZnodeError('session-expired', `session ${session} does not exist, or has ended`);
  if (epoch !== undefined && epoch !== (row.epoch ?? 0)) {
    throw new ZnodeError('session-moved', `session ${session} has a newer connection`);
  }
}

/** ZooKeeper checks no more than this before it looks for the parent. */
function checkedParent(path: string): string {
  if (!path.includes('/') || path.includes('\0')) throw new ZnodeError('bad-arguments', `path ${shown(path)} is not valid`);
  return parentOf(path);
}

interface Wanted {
  readonly path: string;
  /** One of `perms`. */
  readonly bits: number;
  readonly ids: readonly AclId[];
}

/** @param acl of the znode */
function assertAllowed(acl: readonly Acl[], { path, bits, ids }: Wanted): void {
  if (acl !== openAcl && !aclAllows(acl, bits, ids)) throw new ZnodeError('no-auth', `the ACL of znode ${shown(path)} does not allow it`);
}

function assertData(path: string, data: Uint8Array | null): void {
  if (data === null || data.length <= znodeLimits.dataBytesMax) return;
  throw new ZnodeError('bad-arguments', `the data of znode ${shown(path)} has ${data.length} bytes, the limit is ${znodeLimits.dataBytesMax}`);
}

/**
 * The version after a write. It wraps around as a 32-bit number, but skips -1, which means any version (ZOOKEEPER-4743).
 * @param wanted -1 for any
 */
function nextVersion(path: string, what: 'data' | 'ACL', present: number, wanted: number): number {
  if (wanted !== -1 && wanted !== present) {
    throw new ZnodeError('bad-version', `the ${what} of znode ${shown(path)} has version ${present}, not ${wanted}`);
  }
  const next = (present + 1) | 0;
  return next === -1 ? 0 : next;
}
