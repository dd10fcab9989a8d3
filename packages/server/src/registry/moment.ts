/** Every row of one revision, gathered in steps, for a backup. */

import type { KindTable } from './kind-table.ts';
import type { Row } from './kinds.ts';
import type { AnyRow } from './row.ts';
import type { State } from './state.ts';

/** Rows are immutable, so others may write while it is read. It costs one pointer for each row. */
export interface Moment<R extends AnyRow = Row> {
  readonly revision: number;
  readonly rows: readonly (readonly [key: string, row: R])[];
  /** What is known of the kinds of the rows. */
  readonly kinds: KindTable<R>;
}

/** The rows as they are at the first step; the state may change between steps. A step is one row. */
export function* momentOf<R extends AnyRow>(state: State<R>): Generator<void, Moment<R>, undefined> {
  const frozen = state.freeze();
  try {
    return { revision: frozen.revision, rows: yield* frozen.rows(), kinds: state.kinds };
  } finally {
    frozen.close();
  }
}
