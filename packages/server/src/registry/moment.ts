/** Every row of one revision, gathered in steps: what a backup is made of. */

import type { Row } from './rows.ts';
import type { State } from './state.ts';

/** Rows are immutable, so others may write while it is read. It costs one pointer for each row. */
export interface Moment {
  readonly revision: number;
  readonly rows: readonly (readonly [key: string, row: Row])[];
}

/** The rows as they are at the first step; the state may change between steps. A step is one row. */
export function* momentOf(state: State): Generator<void, Moment, undefined> {
  const frozen = state.freeze();
  try {
    return { revision: frozen.revision, rows: yield* frozen.rows() };
  } finally {
    frozen.close();
  }
}
