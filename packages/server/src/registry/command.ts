/**
 * What the shared parts know of commands, and the commands that concern rows of every kind. All others are those of the
 * rooms (`kind/NAME/commands.ts`); the union of all of them is `Command` in `kinds.ts`.
 *
 * Commands are the only way to change the registry, in Rollcall's own words. Front ends translate requests into commands
 * and have checked them against the wire's grammar; decisions check what depends on the state.
 */

import type { RegistryError } from '@rollcall/protocol';
import type { AnyRow } from './row.ts';

export interface AnyCommand {
  readonly kind: string;
  /** Of a command about one namespace. */
  readonly namespace?: string;
}

/**
 * A command that may take several transactions (`steps.ts`). It removes only rows that existed before its first one. So callers
 * that write meanwhile keep their writes, and the command ends.
 */
export interface Resumable {
  /** Revision of its first transaction; absent in that one. */
  readonly asOf?: number;
}

/** The condition on a row, named by its record key, under which an operation changes anything. */
export type Requirement =
  | { readonly key: string; readonly present: boolean }
  /** 0: must not exist. */
  | { readonly key: string; readonly revision: number }
  /** A row that this session holds. */
  | { readonly key: string; readonly session: string };

/** One step of a transaction: what must hold, then a change, then what to read. */
export interface AnyTxnOperation<C extends AnyCommand = AnyCommand> {
  readonly require?: Requirement;
  /** A command of any room; it must fit into one transaction. */
  readonly change?: C;
  /** A row by its record key, or all rows of an ordered kind whose keys begin with a prefix. */
  readonly read?: { readonly key: string } | { readonly kind: string; readonly namespace: string; readonly prefix: string };
}

/** Does all of the operations, in order, or none. */
export interface AnyTxn<C extends AnyCommand = AnyCommand> {
  readonly kind: 'txn';
  readonly operations: readonly AnyTxnOperation<C>[];
}

export interface AnyTxnFailure<R extends AnyRow = AnyRow> {
  /** Index of the operation. */
  readonly at: number;
  /** `condition`: the change has one, which does not hold. `refused`: the change failed with `error`. */
  readonly reason: 'requirement' | 'condition' | 'refused';
  /** The row that was there instead. */
  readonly found?: R;
  readonly error?: RegistryError;
}

export type AnyTxnResult<R extends AnyRow = AnyRow> =
  /** Nothing was changed. */
  | { readonly failures: readonly AnyTxnFailure<R>[] }
  | {
      /** What each operation read, as it stood after that operation. */
      readonly reads: readonly (readonly R[])[];
      /** The rows that the transaction wrote, by record key, without their revision. */
      readonly written: ReadonlyMap<string, R>;
      /** What the change of each operation answered; undefined for one without a change. */
      readonly answers: readonly unknown[];
    };

/** Forgets tombstones, markers of views without content, and lapsed rows. */
export interface Prune {
  readonly kind: 'prune';
  /** Record keys to forget (see `findPrunable`); a row that is in use again is kept. */
  readonly keys: readonly string[];
}

/**
 * Restores the content of a backup in steps. Only `restoreCommand` (`restore.ts`) makes it, for an engine that cannot take all
 * of it in one transaction.
 */
export interface Restore extends Resumable {
  readonly kind: 'restore';
  /** Each after the rows that it depends on. */
  readonly rows: readonly AnyRow[];
  /** Record keys of the rows to remove, each before the rows that it depends on. */
  readonly gone: readonly string[];
  /** Where to go on: index into `rows`, then into `gone`. */
  readonly from?: number;
}
