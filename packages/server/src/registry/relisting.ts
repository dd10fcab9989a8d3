/**
 * A new state from a complete list of the store's records, beside the present one, which is read meanwhile: for a replica that
 * could not resume its feed. Rows that did not change are kept as they are, so the difference is what really changed.
 */

import { decodeWith, type Intern } from './codec.ts';
import { Contents } from './contents.ts';
import type { Replacement } from './replacement.ts';
import type { AnyRow, AnyRowChange } from './row.ts';

export class Relisting<R extends AnyRow = AnyRow> {
  readonly #before: Contents<R>;
  readonly #contents: Contents<R>;
  readonly #intern: Intern;
  readonly #changes: AnyRowChange<R>[] = [];

  /** @param before must not change until `finishing` has ended */
  constructor(before: Contents<R>, intern: Intern) {
    this.#before = before;
    this.#contents = new Contents(before.kinds);
    this.#intern = intern;
  }

  /** @throws RegistryError `data_loss` when the record cannot be read */
  add({ key, value, revision }: { readonly key: string; readonly value: Uint8Array; readonly revision: number }): void {
    const before = this.#before.get(key);
    const after = before?.modified === revision ? before : decodeWith(this.#before.kinds, { key, value, revision }, this.#intern);
    this.#contents.put(key, after);
    if (after !== before) this.#changes.push({ key, before, after });
  }

  /**
   * Every record was added. A step is one row.
   * @param revision at which the list stands
   * @param base of the store (`State.base`)
   */
  *finishing(revision: number, base = 0): Generator<number | void, Replacement<R>, undefined> {
    for (const [key, before] of this.#before.rows()) {
      if (this.#contents.get(key) === undefined && !this.#contents.isUnread(key)) this.#changes.push({ key, before, after: undefined });
      yield;
    }
    yield* this.#contents.views.deriving(this.#contents);
    return { revision, base, contents: this.#contents, changes: this.#changes };
  }
}
