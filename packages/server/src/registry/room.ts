/**
 * The descriptions by which the shared parts of the registry know the kinds of rows. Storing, deciding in batches, drafting,
 * views, watches, pruning and backups ask these descriptions, and know no kind by name.
 *
 * A room is a folder of `kind/`: `rows.ts`, `keys.ts`, `find.ts`, `views.ts` and `commands.ts` are the files that others may
 * use; its decisions are behind them, and one `Room` in `room.ts`, which `kinds.ts` lists. All functions here are pure.
 */

import type { Judge, Judged } from './judged.ts';
import type { AnyRow } from './row.ts';
import type { ParsedView } from './view-name.ts';

/** The rows that a description may look up: committed ones, or those of a draft. */
export interface Lookup {
  get(key: string): AnyRow | undefined;
  bucket(bucket: string): Iterable<AnyRow>;
}

/** Rows with the indexes of the rooms over them: contents of a state. */
export interface Indexed {
  bucketSize(bucket: string): number;
  /** The index of the room with that name. */
  index(room: string): RoomIndex | undefined;
}

export interface ViewSet {
  add(view: string): unknown;
}

/** One kind of row. */
export interface Kind<R extends AnyRow = AnyRow> {
  /** In which format its records are written and read, 1 to 31. */
  readonly format: number;
  /** The level of records at which this format came (`read-by-all.ts`); 1 when absent. A format that is not read without it raises it. */
  readonly since?: number;
  /** Earlier formats whose records are still read; they are written anew in `format` when the row changes. */
  readonly earlier?: readonly EarlierFormat[];
  /** An older program that does not know the kind, or this format of it, may keep its records without reading them. */
  readonly mayStayUnread?: true;
  /** Record key: the kind's name, for a kind of a namespace its namespace, then what tells rows apart, joined by NUL. */
  key(row: R): string;
  /**
   * Names of the fields that make up the record key after the kind's name; the record itself lacks them. All of them are texts, and
   * only the last may contain NUL. When absent, the record has every field.
   */
  readonly keyFields?: readonly string[];
  /** All fields that this program knows (`fieldsOf`): other fields of a row are kept when it is written again. */
  readonly fields?: Readonly<Record<string, true>>;
  /** Names of the buckets that have the row. */
  buckets?(row: R): string[];
  /** Whether both rows of one key are in the same buckets; when absent, the names of the buckets are compared. */
  keepsItsBuckets?(before: R, after: R): boolean;
  /**
   * Adds the views that show the row and take their revision from it. Their number must not follow that of instances.
   * @param lookup finds other rows
   * @param indexed of the committed state; what the same transaction changes is added by its own rows
   */
  addViews?(row: R, views: ViewSet, lookup: Lookup, indexed: Indexed): void;
  /** Whether every view that shows `before` shows `after`, too. Both have one key. Always so when absent. */
  keepsItsViews?(before: R, after: R): boolean;
  /** Its rows have a `namespace` and a `key`, which make up the record key; they are kept in order of `key`. */
  readonly ordered?: true;
  /** No view shows its rows, or those of the past: the history (`history/`) leaves out their changes. */
  readonly unseen?: true;
  /** A row is kept only so that the revision of a deleted key or an empty view does not go back; the older half is pruned. */
  readonly keepsRevision?: true;
  /**
   * A lapsed row has no effect any more, and is pruned. @param now wall clock in milliseconds @param lookup finds other rows
   */
  lapsed?(row: R, now: number, lookup: Lookup): boolean;
  /** Its record key is derived from another one that was checked, and needs no check. */
  readonly keyIsDerived?: true;
  /** Longest record key in bytes of UTF-8, if it is longer than the usual one (`key-form.ts`). */
  readonly keyBytesMax?: number;
  /** The longest name of a view whose marker the row may need. */
  longestView?(row: R): string;
  /** A part of the row that is stored as raw bytes after the JSON. */
  readonly raw?: RawPart<R>;
  /** The head (`touch-heads.ts`) of the set of rows that says which views show the row, if its own fields do not. */
  viewsHead?(row: R): string | undefined;
  /** The head of the set of rows that is removed with the row. */
  ownHead?(row: R): string | undefined;
  /**
   * For a row with a deadline: key of the record that names the node that watches it, if the row does not. It is removed with
   * the row.
   */
  companion?(key: string): string;
  /** Bytes that the row takes in an answer that shows it; about those of its texts (`weigh`) when absent. */
  shownBytes?(row: R): number;

  // Removals (`removal.ts`).
  /** Removes the row, and before it the rows that depend on it. When absent, no row depends on it. */
  remove?(row: R, removal: never): Iterable<unknown> | undefined;
  /** The session that holds the row ends, or the instance that it is bound to. When absent, the row is removed. */
  release?(row: R, holder: never, removal: never): Iterable<unknown> | undefined;

  // Backups and restores (`restore.ts`).
  /** Its records are about the nodes of this store, and are in no backup. */
  readonly staysHere?: true;
  /** A restore leaves its rows out: they follow from what happened before it. */
  readonly notRestored?: true;
  /** Record keys of the rows that must exist before this one: a restore puts those first. */
  parents?(row: R): readonly string[];
  /** The row that a restore puts if one of them is missing; none when absent. */
  withoutParents?(row: R): R;
  /** Rows that could not stay without this one. A restore keeps it while there is one. */
  dependents?(row: R, lookup: Lookup): Iterable<AnyRow>;
  /** A restore has put the row: removes the rows that must not exist beside it. */
  restored?(row: R, draft: never): void;
}

export interface EarlierFormat {
  readonly format: number;
  /** As `Kind.keyFields`, in this format. */
  readonly keyFields?: readonly string[];
  /** Changes the fields of a record, in place, to those of today's row. The record keeps its key, so that must be the row's key. */
  carryOver(fields: Record<string, unknown>): void;
}

export interface RawPart<R> {
  /** @returns a new object with the fields that are stored as JSON, and the bytes after them */
  split(row: R): { readonly json: object; readonly bytes: Uint8Array };
  /** Puts the bytes back. @param fields of the JSON, which become the row */
  join(fields: Record<string, unknown>, bytes: Uint8Array): void;
  /** Name of the field that has the bytes. */
  readonly field: string;
}

/** One kind of view. */
export interface ViewKind {
  /** Whether a row is shown now; never when absent: its revision is always its marker's. */
  shows?(view: ParsedView, shown: Shown): boolean;
  /** A marker of a view that shows nothing may be pruned. */
  readonly forgettable?: true;
  /** Name of a view that shows all that this one shows, and changes with it. That one raises none. */
  readonly raises?: string;
  /** Computes the revision of a view whose revision is not kept. */
  revision?(view: ParsedView, state: Revisioned): number;
  /** Whether the revision of this one view is kept; always when absent. @param name its whole name */
  isKept?(name: string): boolean;
  /** A view that is a part of this one: when that changes, this one needs no marker. */
  partOf?(view: ParsedView): string | undefined;
}

/** The rows that a view may show: those of a state or a draft. */
export interface Shown {
  get(key: string): AnyRow | undefined;
  has(bucket: string): boolean;
}

/** The data from which the revision of a view is computed. */
export interface Revisioned extends Lookup {
  /** No pruned marker or tombstone had a revision above this. */
  readonly floor: number;
  /** Of a view that is made of rows; undefined when it shows none and has no marker. */
  keptRevision(view: string): number | undefined;
  /** Newest revision of a row of an ordered kind whose key begins with the prefix; 0 when there is none. */
  newestUnder(kind: string, namespace: string, prefix: string): number;
}

/** An index over committed rows. */
export interface RoomIndex {
  /** Follows one row; either side may be absent. */
  follow(before: AnyRow | undefined, after: AnyRow | undefined): void;
  /** Notes changes after a moment, so that the index can be read as it was then. */
  notes(): IndexNotes;
}

export interface IndexNotes {
  /** A change that came after the moment. */
  note(before: AnyRow | undefined, after: AnyRow | undefined): void;
}

/** Finds the views that change although none of their rows does: each of them needs a marker. One for each transaction. */
export interface Touches {
  /** Follows one row of the transaction. @param before undefined for a new row @param after undefined for a removed one */
  follow(before: AnyRow | undefined, after: AnyRow | undefined, views: ViewSet): void;
  /** All rows were followed. */
  finish(views: ViewSet): void;
}

/** Finds the watched views that are themselves the changed rows, such as those of single keys, and must be woken, too. */
export interface Wakes {
  /** A view gets its first watcher (1), or loses its last one (-1). */
  follow?(name: string, view: ParsedView, by: 1 | -1): void;
  /** Adds views of a row that was put or removed. */
  addForRow?(row: AnyRow, present: boolean, views: ViewSet): void;
  /** Adds views that change with a view that has changed. */
  addForView?(view: string, views: ViewSet): void;
}

/** Decides one kind of command: a function of a draft, as `decide.ts` calls it. */
export interface Decision {
  /** It creates rows in its `namespace`, which must exist. */
  readonly writes?: true;
  /**
   * A command that continues in a later transaction gets `asOf` (`Resumable`): it concerns only rows that existed at its first
   * one.
   */
  readonly resumes?: true;
  /**
   * Commands that came later may be decided between the steps of this one. The others keep their place: the rest of their work
   * on a row must not come after newer commands.
   */
  readonly letsOthersPass?: true;
  /** Of a command that answers false when a condition does not hold: record key of the row that it is about. */
  conditionOn?(command: never): string;
  /**
   * @returns the command's answer, or the steps that lead to it (`steps.ts`); the answer may depend on the revision (`Dated`)
   * @throws RegistryError when it is refused
   */
  decide(draft: never, command: never, now: number): unknown;
}

export interface Room {
  readonly name: string;
  /** By name, which begins the record key. */
  readonly kinds: Readonly<Record<string, Kind>>;
  /** By the name that begins the view's. */
  readonly views?: Readonly<Record<string, ViewKind>>;
  /** Heads of the buckets that decisions may scan on a shared engine, by the first part of the bucket's name. */
  readonly heads?: Readonly<Record<string, (first: string, second: string, third: string) => string | undefined>>;
  /** The kinds that the index follows, and how it is made. */
  readonly index?: { readonly of: readonly string[]; readonly make: () => RoomIndex };
  touches?(base: Lookup & Indexed, draft: Lookup): Touches;
  readonly wakes?: () => Wakes;
  /** By the kind of command. */
  readonly decisions?: Readonly<Record<string, Decision>>;
  /** Called before a decision that writes in a namespace. @throws RegistryError when nothing may be written there */
  readonly admits?: Admission;
  /** Asked before a verdict on a deadline is carried out, if it names its judge. */
  readonly judges?: Judging;
  /** Asked before a row is written that older programs cannot read. */
  readonly reads?: Reading;
}

/** The answer of a command whose caller needs the revision of its transaction: it is computed once that is known. */
export type Dated<A> = (revision: number) => A;

export interface Reading {
  /** A node of the store that does not read records of a level; undefined when there is none. */
  memberThatCannotRead(draft: never, level: number): { readonly name: string; readonly version: string } | undefined;
}

export interface Judging {
  /** Whether this member may pass the verdict. */
  mayJudge(draft: never, judged: Judged, by: Judge): boolean;
}

export interface Admission {
  check(draft: never, namespace: string): void;
}

/** The rows of a room: a union. */
export type RowIn<T extends Room> = T extends Room ? RowsOf<T['kinds']> : never;
type RowsOf<K> = { [Name in keyof K]: K[Name] extends Kind<infer R> ? R : never }[keyof K];

/** The commands of a room: a union. */
export type CommandIn<T extends Room> = T extends { readonly decisions: infer D } ? CommandsOf<D> : never;
type CommandsOf<D> = { [Name in keyof D]: CommandOf<D[Name]> }[keyof D];
type CommandOf<D> = D extends { decide(draft: never, command: infer C, now: number): unknown } ? C : never;

/** The answer to a kind of command, from the room that decides it. */
export type AnswerIn<T extends Room, Name> = T extends { readonly decisions: infer D } ? (Name extends keyof D ? AnswerOf<D[Name]> : never) : never;
type AnswerOf<D> = D extends { decide(...args: never[]): infer A } ? Undated<A extends Generator<unknown, infer B, undefined> ? B : A> : never;
type Undated<A> = A extends Dated<infer B> ? B : A;
