/**
 * The parts of every row of the registry. A row is one decoded record of the log. The rows themselves
 * are those of the rooms (`kind/NAME/rows.ts`); the union of all of them is `Row` in `kinds.ts`.
 *
 * A row is immutable. `created` and `modified` are revisions of the log and are not part of the row's content: a row that
 * has not been committed yet carries 0 in `modified`, and 0 in `created` when the same transaction creates it.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Fields of one wire protocol that Rollcall has no field for, stored verbatim and returned on that protocol only. */
export type Foreign = Readonly<Record<string, Json>>;

export interface Revisions {
  readonly created: number;
  readonly modified: number;
}

/** A row as the shared parts know it. */
export interface AnyRow extends Revisions {
  readonly kind: string;
  /** Absent in rows that belong to no namespace. */
  readonly namespace?: string;
}

/** Whether a row is of the kind whose rows have the type `R`. */
export function isOf<R extends AnyRow>(row: AnyRow | undefined, kind: R['kind']): row is R {
  return row?.kind === kind;
}

/** One row before and after a change; exactly one side may be absent. */
export interface AnyRowChange<R extends AnyRow = AnyRow> {
  readonly key: string;
  readonly before: R | undefined;
  readonly after: R | undefined;
}

/**
 * A row that is being made: a literal with the fields that every row has, then those that few have. So most rows have the same
 * shape.
 */
export type Unfinished<R extends AnyRow> = { -readonly [Field in keyof R]: R[Field] };

/** A committed transaction: what the log adds at `revision`. */
export interface Change {
  readonly revision: number;
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly delete: readonly string[];
}

/**
 * Namespace of rows that belong to none: the records of the server itself and of nodes. No namespace can be created
 * with this name.
 */
export const noNamespace = '';

/** Parts of a record key are joined by NUL, which no name may contain. */
export const separator = '\0';

/** The kind that a record key belongs to. */
export function kindOf(key: string): string {
  const end = key.indexOf(separator);
  return end < 0 ? key : key.slice(0, end);
}

/** Record key of a row of an ordered kind (`Kind.ordered`). */
export function orderedKey(kind: string, namespace: string, key: string): string {
  return `${kind}\0${namespace}\0${key}`;
}
