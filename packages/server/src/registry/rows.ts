/**
 * The rows of the registry: what one record of the log means once it is decoded.
 *
 * A row is immutable. `created` and `modified` are revisions of the log and are not part of the
 * row's content: a row that has not been committed yet carries 0 in `modified`, and 0 in `created`
 * when the same transaction creates it.
 */

import type { AdministrativeStatus, CheckDefinition, CheckKind, CheckStatus, NamedPort } from '@rollcall/protocol';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Fields of one wire protocol that Rollcall has no word for, kept verbatim and given back on it. */
export type Foreign = Readonly<Record<string, Json>>;

export interface Revisions {
  readonly created: number;
  readonly modified: number;
}

/**
 * Namespace of rows that belong to none: the records of the server itself and of nodes. No namespace can be created
 * with this name.
 */
export const noNamespace = '';

/**
 * A namespace. Rows may be written in it from its creation until its deletion begins; `default` always exists, and has a
 * row once it was described.
 */
export interface NamespaceRow extends Revisions {
  readonly kind: 'namespace';
  readonly name: string;
  readonly description: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Its deletion has begun: nothing more is written in it, and it goes once it is empty. */
  readonly ending?: true;
  readonly foreign?: Foreign;
}

export interface NodeRow extends Revisions {
  readonly kind: 'node';
  readonly name: string;
  /** A UUID in lower case, unique among nodes; empty when the registrant gave none. */
  readonly id: string;
  readonly address: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly foreign?: Foreign;
}

/**
 * What a service has besides its instances. A service exists without one as long as it has instances, and with one
 * also when it has none.
 */
export interface ServiceRow extends Revisions {
  readonly kind: 'service';
  readonly namespace: string;
  readonly name: string;
  readonly meta: Readonly<Record<string, string>>;
  /**
   * Share of healthy instances, 0 to 1, at or below which a reader is to take all of them for healthy. Kept for
   * readers; the registry itself does nothing by it.
   */
  readonly protectThreshold: number;
  readonly foreign?: Foreign;
}

/** Most rows lack most of the optional fields: absent means the usual value, so that a row stays small. */
export interface InstanceRow extends Revisions {
  readonly kind: 'instance';
  readonly namespace: string;
  /** Empty when the protocol that registered the instance has no nodes. */
  readonly node: string;
  readonly id: string;
  readonly service: string;
  /** Empty means: reachable at its node's address. */
  readonly address: string;
  readonly port: number;
  /** That of `port`, as in a URL. */
  readonly scheme?: string;
  /** Further ports, by name. */
  readonly ports?: Readonly<Record<string, NamedPort>>;
  readonly zone?: string;
  readonly region?: string;
  /** The group within the service. */
  readonly cluster?: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Relative share of traffic, 0 or more. */
  readonly weight: number;
  /** The same while a check warns; absent: `weight`. */
  readonly warningWeight?: number;
  /** What the instance says of itself; absent, and never written: `up`. */
  readonly status?: AdministrativeStatus;
  /** What an operator says of it; stays until the operator clears it, or the instance is deregistered. */
  readonly override?: AdministrativeStatus;
  /** False: it gets no traffic. Absent: true. */
  readonly enabled?: false;
  /** True: nothing vouches for it, and it stays until it is deregistered. Absent: false. */
  readonly persistent?: true;
  /** When it was first registered, in milliseconds since the Unix epoch; 0 when that is not known. */
  readonly registeredMs: number;
  /** When its content last changed, in the same unit; absent: not since it was first registered. */
  readonly changedMs?: number;
  /** The stream session of the same namespace that vouches for the instance; it goes when the session goes. */
  readonly session?: string;
  readonly foreign?: Foreign;
}

export interface CheckRow extends Revisions {
  readonly kind: 'check';
  /** That of its instance; `default` for a check of the node itself. */
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  readonly name: string;
  readonly status: CheckStatus;
  readonly notes: string;
  readonly output: string;
  /** Id of the instance on the same node; empty for a check of the node itself. */
  readonly instance: string;
  readonly type: CheckKind;
  readonly definition: CheckDefinition;
  /**
   * Of a `ttl` check on a store that several nodes share: id of the node through which it was registered, which watches its
   * deadline while it is a member and no other one has claimed it.
   */
  readonly holder?: string;
  readonly foreign?: Foreign;
}

/** Names a check of a known node. */
export interface CheckRef {
  /** `default` for a check of the node itself. */
  readonly namespace: string;
  readonly id: string;
}

export interface SessionRow extends Revisions {
  readonly kind: 'session';
  readonly namespace: string;
  /** A UUID chosen by the submitter. */
  readonly id: string;
  readonly name: string;
  readonly node: string;
  /** `ttl`: renewed by its owner, or bound to checks only. `stream`: an open native stream. */
  readonly liveness: 'ttl' | 'stream';
  /** 0 means that only its checks end it. For a stream: the reconnect grace. */
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly behavior: 'release' | 'delete';
  /** Checks of `node` itself, or of instances on it in the session's namespace, whose failure ends the session. */
  readonly checks: readonly CheckRef[];
  /**
   * Of a stream: id of the server's node that has the open connection; absent while there is none. With a TTL, on a store that
   * several nodes share: as in a check.
   */
  readonly holder?: string;
  /** Of a stream: rises with each connection of another holder, and after each loss. What is said of an older epoch no longer counts. */
  readonly epoch?: number;
  /** Its end has begun: it takes hold of nothing more, and goes once it holds nothing. */
  readonly ending?: true;
  readonly foreign?: Foreign;
}

export interface KvRow extends Revisions {
  readonly kind: 'kv';
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  /** An unsigned 64-bit number. */
  readonly flags: bigint;
  /** How often the key was acquired as a lock. */
  readonly lockIndex: number;
  /** The session of the same namespace that holds the key. */
  readonly session?: string;
}

/** Remembers that a KV key was deleted, so that prefix revisions never go back. */
export interface TombstoneRow extends Revisions {
  readonly kind: 'tombstone';
  readonly namespace: string;
  readonly key: string;
}

/** A lock delay: the key cannot be acquired before `untilMs` on the wall clock. */
export interface DelayRow extends Revisions {
  readonly kind: 'delay';
  readonly namespace: string;
  readonly key: string;
  readonly untilMs: number;
  /** Length of the delay; bounds the damage of a wall clock that jumps back. */
  readonly delayMs: number;
}

/** Marker of a view that stopped showing a row: the view's revision is at least its `modified`. */
export interface ViewRow extends Revisions {
  readonly kind: 'view';
  readonly view: string;
}

/** Marker of a set that got a row: its `modified` is at least the revision of the newest one (`heads.ts`). */
export interface HeadRow extends Revisions {
  readonly kind: 'head';
  readonly of: string;
}

/** A generic record, for kinds that need no indexes (configuration, tokens, prepared queries). */
export interface RecordRow extends Revisions {
  readonly kind: 'record';
  /** `noNamespace` for records of the server itself and of nodes. */
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
  readonly value: Json;
}

/** Every view whose marker or tombstone was pruned had a revision of at most `revision`. */
export interface FloorRow extends Revisions {
  readonly kind: 'floor';
  readonly revision: number;
}

/** A node that belongs to the store. */
export interface Member {
  /** Different for each node of the store. */
  readonly nodeId: string;
  /** For people; different among the machines of the store. */
  readonly name: string;
  /** URL at which other nodes reach it; empty when they cannot. */
  readonly address: string;
  /** Version of the Rollcall that it runs. */
  readonly version: string;
  /** Rises with each join of any node: what was said by an earlier life of a node carries a smaller one. */
  readonly epoch: number;
  /** It is about to leave: it keeps what it holds until its clients are elsewhere, and gets nothing new. */
  readonly draining?: true;
  /** A process of another member's machine; not shown where machines are listed. */
  readonly worker?: true;
}

/**
 * All members, in one row: whether a member may pass a verdict depends on who the others are, and one row is one expectation of
 * the transaction (docs/decisions/0070).
 */
export interface MembersRow extends Revisions {
  readonly kind: 'members';
  /** The last epoch that was given. */
  readonly lastEpoch: number;
  /** In the order in which they joined. */
  readonly members: readonly Member[];
}

/**
 * A member watches a deadline that another one was to watch: the heartbeats come to it. It is a row of its own, which no view shows,
 * so that a move of heartbeats wakes no watcher (docs/decisions/0071).
 */
export interface ClaimRow extends Revisions {
  readonly kind: 'claim';
  /** Record key of the check or the session. */
  readonly of: string;
  /** Id of the member. */
  readonly holder: string;
}

/**
 * A record that a newer Rollcall wrote, and that this one may keep without reading it: it stays in the store, in
 * backups and restores, and is shown nowhere.
 */
export interface UnreadRow extends Revisions {
  readonly kind: 'unread';
  /** Its record key. */
  readonly key: string;
  /** Its whole value. */
  readonly bytes: Uint8Array;
}

export type Row =
  | NamespaceRow
  | NodeRow
  | ServiceRow
  | InstanceRow
  | CheckRow
  | SessionRow
  | KvRow
  | TombstoneRow
  | DelayRow
  | ViewRow
  | HeadRow
  | RecordRow
  | FloorRow
  | MembersRow
  | ClaimRow
  | UnreadRow;

/** A row while it is made: a literal of the fields that every row has, and after it those that few have. So most rows have one shape. */
export type Unfinished<R extends Row> = { -readonly [Field in keyof R]: R[Field] };

/** One row before and after a change; exactly one side may be absent. */
export interface RowChange {
  readonly key: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** A committed transaction: what the log adds at `revision`. */
export interface Change {
  readonly revision: number;
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly delete: readonly string[];
}

export type RowOf<K extends Row['kind']> = Extract<Row, { kind: K }>;

/** Parts of a record key are joined by NUL, which no name may contain. */
const separator = '\0';

export const keys = {
  namespace: (name: string) => `namespace\0${name}`,
  node: (name: string) => `node\0${name}`,
  service: (namespace: string, name: string) => `service\0${namespace}\0${name}`,
  instance: (namespace: string, node: string, id: string) => `instance\0${namespace}\0${node}\0${id}`,
  check: (namespace: string, node: string, id: string) => `check\0${namespace}\0${node}\0${id}`,
  session: (namespace: string, id: string) => `session\0${namespace}\0${id}`,
  kv: (namespace: string, key: string) => `kv\0${namespace}\0${key}`,
  tombstone: (namespace: string, key: string) => `tombstone\0${namespace}\0${key}`,
  delay: (namespace: string, key: string) => `delay\0${namespace}\0${key}`,
  view: (view: string) => `view\0${view}`,
  head: (set: string) => `head\0${set}`,
  record: (namespace: string, type: string, id: string) => `record\0${namespace}\0${type}\0${id}`,
  floor: () => 'floor',
} as const;

/** Name of the bucket with everything in a namespace other than `default` that goes with it. */
export function inNamespace(namespace: string): string {
  return `in\0${namespace}`;
}

/** The kind that a record key belongs to. */
export function kindOf(key: string): string {
  const end = key.indexOf(separator);
  return end < 0 ? key : key.slice(0, end);
}
