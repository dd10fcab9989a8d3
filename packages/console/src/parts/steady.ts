/**
 * Rows that stay where they are while an operator points at them. Then changes are shown in place, rows that are gone stay with their last content, and
 * new rows wait. It knows nothing of how rows are drawn.
 */

export interface Steady<T> {
  readonly rows: readonly T[];
  /** Rows that are shown and gone. */
  readonly gone: ReadonlySet<string>;
  /** Rows that are not shown yet. */
  readonly waiting: number;
}

const none: ReadonlySet<string> = new Set();

/** Rows as they come. */
export function taken<T>(rows: readonly T[]): Steady<T> {
  return { rows, gone: none, waiting: 0 };
}

/** The rows that are shown, with their present content. A batch costs a look at each row. @param next the rows as they come, in any order */
export function held<T>(before: Steady<T>, next: readonly T[], keyOf: (row: T) => string): Steady<T> {
  const byKey = new Map(next.map((row) => [keyOf(row), row]));
  const gone = new Set<string>();
  const rows = before.rows.map((row) => {
    const key = keyOf(row);
    const now = byKey.get(key);
    if (now === undefined) gone.add(key);
    return now ?? row;
  });
  return { rows, gone: gone.size === 0 ? none : gone, waiting: next.length - (rows.length - gone.size) };
}
