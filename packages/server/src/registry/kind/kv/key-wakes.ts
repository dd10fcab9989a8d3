/** Wakes the watchers of a key, and of each watched prefix of it, when it changes. */

import type { ViewSet, Wakes } from '../../room.ts';
import { isOf, type AnyRow } from '../../row.ts';
import type { ParsedView } from '../../view-name.ts';
import type { KvRow, TombstoneRow } from './rows.ts';
import { keyView, prefixView } from './views.ts';

export class KeyWakes implements Wakes {
  /** How many watched prefixes there are of each length: a key is cut at these lengths only. */
  readonly #prefixLengths = new Map<number, number>();

  follow(_view: string, { kind, name }: ParsedView, by: 1 | -1): void {
    if (kind !== 'prefix') return;
    const count = (this.#prefixLengths.get(name.length) ?? 0) + by;
    if (count === 0) this.#prefixLengths.delete(name.length);
    else this.#prefixLengths.set(name.length, count);
  }

  addForRow(row: AnyRow, present: boolean, views: ViewSet): void {
    // A key that one batch both made and deleted leaves only a tombstone behind.
    if (!isOf<KvRow>(row, 'kv') && !(present && isOf<TombstoneRow>(row, 'tombstone'))) return;
    const { namespace, key } = row;
    views.add(keyView(namespace, key));
    for (const length of this.#prefixLengths.keys()) {
      if (length <= key.length) views.add(prefixView(namespace, key.slice(0, length)));
    }
  }
}
