/**
 * Fields that a newer Rollcall has added to a row: a node of this version that writes the row again keeps them, since it does
 * not know their meaning (docs/decisions/0074). This is needed only where other nodes write to the store, too.
 */

import type { Revisions } from './row.ts';

/** The names of all fields of a kind of rows; the compiler finds a missing or wrong one. */
export type FieldsOf<R> = Readonly<Record<Exclude<keyof R, keyof Revisions | 'kind'>, true>>;

/** @returns the same, as the description of a kind has it */
export function fieldsOf<R>(fields: FieldsOf<R>): Readonly<Record<string, true>> {
  return fields;
}

const ofEveryRow: ReadonlySet<string> = new Set(['kind', 'created', 'modified'] satisfies (keyof Revisions | 'kind')[]);

/**
 * Copies the fields that are not known.
 * @param known of the kind; undefined: nothing is copied
 * @param row a new object, not yet written
 */
export function keepUnknown(known: Readonly<Record<string, true>> | undefined, before: object, row: object): void {
  if (known === undefined) return;
  for (const [name, value] of Object.entries(before)) {
    if (Object.hasOwn(known, name) || ofEveryRow.has(name) || Object.hasOwn(row, name)) continue;
    (row as Record<string, unknown>)[name] = value;
  }
}
