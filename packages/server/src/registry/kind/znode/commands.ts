/**
 * The commands about znodes, and their limits. Each is refused with a `ZnodeError` (`znode-error.ts`), whose reasons are those of the real
 * server for the same request, found in the same order.
 *
 * A multi is a transaction (`Txn`) of these commands: its result has the answer of each (`answers`), or the failures, of which the first is
 * that of ZooKeeper.
 */

import type { Judged } from '../../judged.ts';
import type { Acl, AclId } from './rows.ts';

/** Limits of znodes. */
export const znodeLimits = {
  /** Bytes of the data of one znode. */
  dataBytesMax: 1_048_576,
  /** Children of one znode. */
  childrenMax: 1_000_000,
  /** Rows that one session holds: its ephemeral znodes, each of which counts twice if it is an instance. */
  heldMax: 100_000,
  /** Operations of one multi: about 3 rows each, so that one takes some 30 ms. The front end refuses longer ones. */
  multiOperationsMax: 500,
} as const;

/** On whose behalf a command comes. */
export interface ZnodeClient {
  /** A session of the namespace; must exist. */
  readonly session: string;
  /** Of the connection (`SessionReconnect`). Another one of the session is refused with `session-moved`. Absent: not checked. */
  readonly epoch?: number;
  /** What the client has proved, for ACLs: `digest`, `ip`, `super`. */
  readonly ids: readonly AclId[];
}

interface OfZnode {
  readonly namespace: string;
  readonly path: string;
  readonly client: ZnodeClient;
}

/** Where znodes are instances as well (`instance.ts`). Absent: nowhere. */
export interface InstanceBases {
  /** Curator's `ServiceInstance` at `BASE/SERVICE/ID`, as `/services`. */
  readonly curator?: string;
  /** Dubbo's URLs at `BASE/INTERFACE/providers/URL`, as `/dubbo`. */
  readonly dubbo?: string;
}

/**
 * Creates a znode. The answer has its path, which for a sequential one is longer than the given path, and its stat.
 * Refused with `bad-arguments`, `session-expired`, `session-moved`, `invalid-acl`, `no-node` (the parent), `no-auth`, `node-exists`,
 * `no-children-for-ephemerals`, `quota-exceeded`.
 */
export interface ZnodeCreate extends OfZnode {
  readonly kind: 'znode-create';
  /** Null is kept apart from empty data. */
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly mode: 'persistent' | 'ephemeral' | 'container' | 'ttl';
  /** With the mode `ttl`, and only with it: 1 to `ttlMsMax`. */
  readonly ttlMs?: number;
  readonly sequential?: boolean;
  readonly bases?: InstanceBases;
  /** Ancestors, the highest first, that clients see although they have no row: created as containers if they are missing. */
  readonly ensure?: readonly string[];
}

/** 2^40 - 1: what fits beside the marks of ZooKeeper's `EphemeralType.TTL`, about 34 years. */
export const ttlMsMax = 1_099_511_627_775;

/**
 * Sets the data of a znode; the answer has its stat.
 * Refused with `bad-arguments`, `session-expired`, `session-moved`, `no-node`, `no-auth`, `bad-version`.
 */
export interface ZnodeSet extends OfZnode {
  readonly kind: 'znode-set';
  readonly data: Uint8Array | null;
  /** The version that it must have; -1 for any. */
  readonly version: number;
  readonly bases?: InstanceBases;
}

/** Refused with `bad-arguments`, `session-expired`, `session-moved`, `no-node`, `no-auth`, `bad-version`, `not-empty`. Answers true. */
export interface ZnodeDelete extends OfZnode {
  readonly kind: 'znode-delete';
  /** The version that it must have; -1 for any. */
  readonly version: number;
}

/** For transactions. Refused with `bad-arguments`, `session-expired`, `session-moved`, `no-node`, `no-auth`, `bad-version`. Answers true. */
export interface ZnodeCheck extends OfZnode {
  readonly kind: 'znode-check';
  /** The version that it must have; -1 for any. */
  readonly version: number;
}

/**
 * Sets the ACL of a znode; the answer has its stat.
 * Refused with `bad-arguments`, `session-expired`, `session-moved`, `invalid-acl`, `no-node`, `no-auth`, `bad-version`.
 */
export interface ZnodeSetAcl extends OfZnode {
  readonly kind: 'znode-set-acl';
  readonly acl: readonly Acl[];
  /** The version of the ACL that it must have; -1 for any. */
  readonly version: number;
}

/** Removes a container or a znode with a TTL if its time is over; false, and nothing is done, when it is not. */
export interface ZnodeReap {
  readonly kind: 'znode-reap';
  readonly namespace: string;
  readonly path: string;
  readonly judged?: Judged;
}
