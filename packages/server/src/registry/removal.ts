/**
 * What one decision removes. The rows that depend on a removed row are removed with it, of any kind: the room of the row finds
 * them (`Kind.remove`, `Kind.release`), and calls back here for the rows of other rooms.
 *
 * Any row may have many dependents, so each cascade yields where the work may stop (`steps.ts`). Dependent rows are removed
 * first: a lock never stays without its session, and an instance never loses only the check that fails.
 */

import type { Draft } from './draft.ts';
import type { AnyRow } from './row.ts';
import type { Steps, Stop } from './steps.ts';

export class Removal {
  readonly draft: Draft;
  /** Wall clock in milliseconds, for lock delays. */
  readonly now: number;
  /** Made when it is needed: most registrations remove nothing. */
  #begun: Set<string> | undefined;

  constructor(draft: Draft, now: number) {
    this.draft = draft;
    this.now = now;
  }

  /** Removes an existing row, and before it the rows that depend on it. */
  *remove(row: AnyRow): Steps<void> {
    const kind = this.draft.kinds.of(row) as Removable;
    if (kind.remove === undefined) this.draft.delete(this.draft.kinds.keyOf(row));
    else yield* kind.remove(row, this) ?? [];
  }

  /** The holder of a row ends: the row is released, or removed if its kind cannot be without a holder. */
  *release(row: AnyRow, holder: AnyRow): Steps<void> {
    const kind = this.draft.kinds.of(row) as Removable;
    if (kind.release === undefined) yield* this.remove(row);
    else yield* kind.release(row, holder, this) ?? [];
  }

  /** For a kind whose rows may depend on each other in a ring: false when the removal of the row has begun already. */
  begins(key: string): boolean {
    this.#begun ??= new Set();
    if (this.#begun.has(key)) return false;
    this.#begun.add(key);
    return true;
  }
}

/** The part of a kind's description that is called here. */
interface Removable {
  remove?(row: AnyRow, removal: Removal): Iterable<Stop> | undefined;
  release?(row: AnyRow, holder: AnyRow, removal: Removal): Iterable<Stop> | undefined;
}
