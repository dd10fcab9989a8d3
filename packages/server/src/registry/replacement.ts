/**
 * A large transaction, applied to separate contents beside those that are read meanwhile. Taking them over is one assignment,
 * so a reader sees all of the transaction or nothing of it.
 *
 * Its cost depends on the whole state, not on the transaction, so it is for a restore, which writes all of it.
 */

import { decodeWith, type Intern } from './codec.ts';
import { Contents } from './contents.ts';
import type { AnyRow, AnyRowChange, Change } from './row.ts';

/** A transaction with more rows is applied in this way: ten times as many as decisions put into one. */
export const largeRows = 8_192;
/** The same in bytes of values: four times as many. */
export const largeBytes = 16_777_216;
/** Copying this many bytes counts as one more step. */
const stepBytes = 16_384;

export interface Replacement<R extends AnyRow = AnyRow> {
  readonly revision: number;
  readonly contents: Contents<R>;
  readonly changes: readonly AnyRowChange<R>[];
  /** The new base of the store, if there is one (`State.base`). */
  readonly base?: number;
}

/** Whether applying a change at once would take too long for one turn of the event loop. */
export function isLarge({ put, delete: gone }: Change): boolean {
  if (put.length + gone.length > largeRows) return true;
  let bytes = 0;
  for (const { value } of put) bytes += value.length;
  return bytes > largeBytes;
}

/**
 * Makes the contents after a change; those before stay as they are, and must not be changed meanwhile.
 * A step is some microseconds.
 * @throws RegistryError `data_loss` when a record cannot be read
 */
export function* replacing<R extends AnyRow>(before: Contents<R>, change: Change, intern: Intern): Generator<number | void, Replacement<R>, undefined> {
  const { revision } = change;
  const contents = new Contents(before.kinds);
  const changes: AnyRowChange<R>[] = [];
  const written = new Set<string>();
  for (const { key } of change.put) {
    written.add(key);
    yield;
  }
  for (const key of change.delete) {
    const row = before.get(key);
    // A key that is both removed and put is put.
    if (row !== undefined && !written.has(key)) changes.push({ key, before: row, after: undefined });
    written.add(key);
    yield;
  }
  for (const [key, row] of before.rows()) {
    if (!written.has(key)) contents.put(key, row);
    yield;
  }
  for (const { key, value } of change.put) {
    const after = decodeWith(before.kinds, { key, value, revision }, intern);
    contents.put(key, after);
    changes.push({ key, before: before.get(key), after });
    for (let bytes = 0; bytes <= value.length; bytes += stepBytes) yield;
  }
  yield* contents.views.deriving(contents);
  return { revision, contents, changes };
}
