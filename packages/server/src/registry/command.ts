/**
 * Commands: the only way to change the registry, in Rollcall's own words.
 *
 * Front ends translate requests into commands and have checked them against the wire's grammar;
 * `decide` checks what depends on the state.
 */

import type { AdministrativeStatus, CheckDefinition, CheckKind, CheckStatus, NamedPort, RegistryError } from '@rollcall/protocol';
import type { Judged } from './judged.ts';
import type { Claim, MemberDrain, MemberJoin, MemberLeave } from './kind/member/commands.ts';
import type { QueryPut } from './kind/query/query.ts';
import type { SessionConnected, SessionCreate, SessionDestroy } from './kind/session/command.ts';
import type { Foreign, Json, Row } from './rows.ts';

export interface NodeInput {
  readonly name: string;
  /** A UUID in lower case. A node that has it under another name is renamed: that name goes, with everything on it. */
  readonly id?: string;
  readonly address: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly foreign?: Foreign;
}

export interface InstanceInput {
  readonly id: string;
  readonly service: string;
  readonly address?: string;
  readonly port?: number;
  readonly scheme?: string;
  readonly ports?: Readonly<Record<string, NamedPort>>;
  readonly zone?: string;
  readonly region?: string;
  readonly cluster?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** 0 or more; 1 by default. */
  readonly weight?: number;
  /** `weight` by default. */
  readonly warningWeight?: number;
  /** What the instance says of itself; `up` by default. */
  readonly status?: AdministrativeStatus;
  /** Absent: an existing instance keeps it, a new one is enabled. */
  readonly enabled?: boolean;
  readonly persistent?: boolean;
  /** The stream session of the same namespace that vouches for it; must exist. */
  readonly session?: string;
  readonly foreign?: Foreign;
}

export interface CheckInput {
  readonly id: string;
  readonly name: string;
  /** Absent: an existing check keeps its status and output, a new one starts critical. */
  readonly status?: CheckStatus;
  readonly output?: string;
  readonly notes?: string;
  /** Id of an instance on the same node; absent for a check of the node. */
  readonly instance?: string;
  readonly type?: CheckKind;
  readonly definition?: CheckDefinition;
  readonly foreign?: Foreign;
}

/** Creates a namespace, or changes what it says of itself. */
export interface NamespacePut {
  readonly kind: 'namespace-put';
  /** See `isNamespaceName`. */
  readonly name: string;
  readonly description?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly foreign?: Foreign;
}

/** Deletes a namespace with everything in it; false when there is none. */
export interface NamespaceDelete {
  readonly kind: 'namespace-delete';
  readonly name: string;
}

/** Registers any part of a node atomically: the node, instances on it, checks of either. */
export interface Register {
  readonly kind: 'register';
  /** Of the instances and their checks. */
  readonly namespace: string;
  readonly node: NodeInput;
  /**
   * `update`: write the node as given. `ensure`: create it if absent, else leave it as it is.
   * `exists`: fail with `not_found` if absent. `none`: the instances have no node; its name is empty, and there are no
   * checks of a node.
   */
  readonly nodeMode: 'update' | 'ensure' | 'exists' | 'none';
  readonly instances?: readonly InstanceInput[];
  readonly checks?: readonly CheckInput[];
  /** Remove the checks of the given instances that are not in `checks`; checks of maintenance stay. */
  readonly replaceChecks?: boolean;
  /** A part of it is done already, and nothing was refused before. */
  readonly checked?: true;
}

/** Changes what is said of an instance that exists, and leaves the rest; false when it does not exist. */
export interface InstanceStatus {
  readonly kind: 'instance-status';
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  /** What the instance says of itself. */
  readonly status?: AdministrativeStatus;
  /** What an operator says of it; null clears that. */
  readonly override?: AdministrativeStatus | null;
  readonly enabled?: boolean;
}

/** Writes what a service has besides its instances. */
export interface ServicePut {
  readonly kind: 'service-put';
  readonly namespace: string;
  readonly name: string;
  readonly meta?: Readonly<Record<string, string>>;
  /** 0 to 1; 0 by default. */
  readonly protectThreshold?: number;
  readonly foreign?: Foreign;
}

/** Forgets what a service has besides its instances, which stay; false when there is nothing. */
export interface ServiceDelete {
  readonly kind: 'service-delete';
  readonly namespace: string;
  readonly name: string;
}

/** Removes an instance and its checks; false when it did not exist. */
export interface DeregisterInstance {
  readonly kind: 'deregister-instance';
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  readonly judged?: Judged;
}

export interface DeregisterCheck {
  readonly kind: 'deregister-check';
  /** `default` for a check of the node itself. */
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
}

/**
 * Of a command that may take several transactions (`steps.ts`): it removes what was there up to its first
 * one, so that those who write meanwhile neither lose what they wrote nor keep it going for ever.
 */
interface Resumable {
  /** Revision of its first transaction; absent in that one. */
  readonly asOf?: number;
}

/** Removes a node with everything on it, in every namespace; false when it did not exist. */
export interface DeregisterNode extends Resumable {
  readonly kind: 'deregister-node';
  readonly node: string;
}

/** Sets what checks that exist say; ids that do not are skipped. Returns how many existed. */
export interface UpdateChecks {
  readonly kind: 'update-checks';
  readonly updates: readonly {
    /** `default` for a check of the node itself. */
    readonly namespace: string;
    readonly node: string;
    readonly id: string;
    /** Absent: the status stays. */
    readonly status?: CheckStatus;
    /** Absent: the output stays. */
    readonly output?: string;
    readonly judged?: Judged;
  }[];
  /** Of the updates that are done already, how many existed; 0 when absent. */
  readonly existed?: number;
}

/** Writes a KV key; false when the condition does not hold and nothing was written. */
export interface KvPut {
  readonly kind: 'kv-put';
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly flags: bigint;
  /** At most one condition. `cas`: the key's revision, 0 for "must not exist". */
  readonly condition?:
    | { readonly kind: 'cas'; readonly revision: number }
    | { readonly kind: 'acquire'; readonly session: string }
    | { readonly kind: 'release'; readonly session: string };
}

/** Removes one key; true when it is gone afterwards. */
export interface KvDelete {
  readonly kind: 'kv-delete';
  readonly namespace: string;
  readonly key: string;
  /** Remove only at this revision; 0 always succeeds and removes nothing. */
  readonly cas?: number;
}

export interface KvDeleteTree extends Resumable {
  readonly kind: 'kv-delete-tree';
  readonly namespace: string;
  readonly prefix: string;
  /** Where to go on: only keys above this one. */
  readonly after?: string;
}

/** Writes a generic record; false when `cas` does not hold. */
export interface RecordPut {
  readonly kind: 'record-put';
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
  readonly value: Json;
  readonly cas?: number;
}

export interface RecordDelete {
  readonly kind: 'record-delete';
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
}

/** What must hold of a row, named by its record key, before an operation changes anything. */
export type Requirement =
  | { readonly key: string; readonly present: boolean }
  /** 0: must not exist. */
  | { readonly key: string; readonly revision: number }
  /** A KV key that this session holds. */
  | { readonly key: string; readonly session: string };

/** One step of a transaction: what must hold, then a change, then what to read. */
export interface TxnOperation {
  readonly require?: Requirement;
  readonly change?:
    | Register
    | InstanceStatus
    | ServicePut
    | ServiceDelete
    | DeregisterInstance
    | DeregisterCheck
    | DeregisterNode
    | KvPut
    | KvDelete
    | KvDeleteTree
    | SessionDestroy
    | RecordPut
    | RecordDelete;
  /** A row by its record key, or all KV rows under a prefix. */
  readonly read?: { readonly key: string } | { readonly namespace: string; readonly prefix: string };
}

/** Does all of the operations, in order, or none. */
export interface Txn {
  readonly kind: 'txn';
  readonly operations: readonly TxnOperation[];
}

export interface TxnFailure {
  /** Index of the operation. */
  readonly at: number;
  /** `condition`: the change has one, which does not hold. `refused`: the change failed with `error`. */
  readonly reason: 'requirement' | 'condition' | 'refused';
  /** The row that was there instead. */
  readonly found?: Row;
  readonly error?: RegistryError;
}

export type TxnResult =
  /** Nothing was changed. */
  | { readonly failures: readonly TxnFailure[] }
  | {
      /** What each operation read, as it stood after that operation. */
      readonly reads: readonly (readonly Row[])[];
      /** The rows that the transaction wrote, by record key, without their revision. */
      readonly written: ReadonlyMap<string, Row>;
    };

/** Forgets tombstones, markers of views without content, and lapsed lock delays. */
export interface Prune {
  readonly kind: 'prune';
  /** Record keys to forget (see `prunable`); one that has come to life again is kept. */
  readonly keys: readonly string[];
}

/**
 * Makes the registry what it was at a backup, in steps. Only made by `restoreCommand` (`restore.ts`), for an engine that takes no
 * transaction large enough for all of it.
 */
export interface Restore extends Resumable {
  readonly kind: 'restore';
  /** Each after the rows that it depends on. */
  readonly rows: readonly Row[];
  /** Record keys of the rows that go, each before the rows that it depends on. */
  readonly gone: readonly string[];
  /** Where to go on: index into `rows`, then into `gone`. */
  readonly from?: number;
}

export type Command =
  | NamespacePut
  | NamespaceDelete
  | Register
  | InstanceStatus
  | ServicePut
  | ServiceDelete
  | DeregisterInstance
  | DeregisterCheck
  | DeregisterNode
  | UpdateChecks
  | KvPut
  | KvDelete
  | KvDeleteTree
  | SessionCreate
  | SessionDestroy
  | SessionConnected
  | RecordPut
  | RecordDelete
  | QueryPut
  | MemberJoin
  | MemberLeave
  | MemberDrain
  | Claim
  | Txn
  | Prune
  | Restore;

/** What a command answers: how many for `update-checks`, otherwise "done" or "condition failed". */
export type Result<C extends Command> = C extends Txn ? TxnResult : C extends UpdateChecks ? number : boolean;

/** What some command answers. */
export type AnyResult = boolean | number | TxnResult;
