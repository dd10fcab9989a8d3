/**
 * The rows of znodes: the tree of ZooKeeper's clients. A znode is up to three rows, so that the revision of each row is one of its zxids, and
 * creating a child does not write the data of the parent again.
 *
 *   znode           /app      data, version        created: czxid, modified: mzxid
 *   znode-children  /app      counts its children  modified: pzxid; since the first child
 *   znode-acl       /app      its ACL              unless it is open to all, and was never set
 *
 * The znodes that always exist (`find.ts`) have rows only once a client has changed them.
 */

import type { Revisions } from '../../row.ts';

/** Most rows lack the optional fields. */
export interface ZnodeRow extends Revisions {
  readonly kind: 'znode';
  readonly namespace: string;
  readonly path: string;
  readonly data: Uint8Array;
  /** Its data is null, which ZooKeeper tells from empty data; `data` is empty. */
  readonly noData?: true;
  /** How often its data was set. */
  readonly version: number;
  /** When it was created, in milliseconds since the Unix epoch. */
  readonly ctimeMs: number;
  /** When its data was set, in the same unit. */
  readonly mtimeMs: number;
  /** Which child of its parent it is, counted from 0: another znode of the same path has another number. */
  readonly nth: number;
  /** Ephemeral: the session of the same namespace with which it is removed. */
  readonly session?: string;
  /** `container`: it is removed some time after its last child; `ttl`: when it has no child and was not set for `ttlMs`. */
  readonly lifetime?: 'container' | 'ttl';
  readonly ttlMs?: number;
  /** It is an instance, whose id is the path, and which is removed with it. */
  readonly instance?: true;
}

/** Written with each change of the list of children, so that no two writers change it without seeing each other. */
export interface ZnodeChildrenRow extends Revisions {
  readonly kind: 'znode-children';
  readonly namespace: string;
  /** Of the parent. */
  readonly path: string;
  /** How many children were ever created: the number of the next sequential one. */
  readonly sequence: number;
  /** How many there are now; without built-in ones. */
  readonly children: number;
}

export interface ZnodeAclRow extends Revisions {
  readonly kind: 'znode-acl';
  readonly namespace: string;
  readonly path: string;
  readonly acl: readonly Acl[];
  /** How often it was set. */
  readonly version: number;
}

/** What an entry of an ACL allows, as bits. */
export const perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

/** Of a client: `digest` with `USER:HASH`, `ip` with its address, `super`. In an ACL also `world` with `anyone`. */
export interface AclId {
  readonly scheme: string;
  readonly id: string;
}

export interface Acl extends AclId {
  /** Bits of `perms`. */
  readonly perms: number;
}

/** Everything to every client: the ACL of a znode that has no row for it. */
export const openAcl: readonly Acl[] = [{ perms: perms.all, scheme: 'world', id: 'anyone' }];
