/** Wakes the watchers of a key, and of each watched prefix of it, when it changes. */

import type { ViewSet, Wakes } from '../../room.ts';
import type { Row } from '../../rows.ts';
import { viewOf, type ParsedView } from '../../view-name.ts';

export class KeyWakes implements Wakes {
  /** How many watched prefixes there are of each length: a key is cut at these lengths only. */
  readonly #prefixLengths = new Map<number, number>();

  follow(_view: string, { kind, name }: ParsedView, by: 1 | -1): void {
    if (kind !== 'prefix') return;
    const count = (this.#prefixLengths.get(name.length) ?? 0) + by;
    if (count === 0) this.#prefixLengths.delete(name.length);
    else this.#prefixLengths.set(name.length, count);
  }

  addForRow(row: Row, present: boolean, views: ViewSet): void {
    // A key that one batch both made and deleted leaves only a tombstone behind.
    if (row.kind !== 'kv' && !(row.kind === 'tombstone' && present)) return;
    const { namespace, key } = row;
    views.add(viewOf.key(namespace, key));
    for (const length of this.#prefixLengths.keys()) {
      if (length <= key.length) views.add(viewOf.prefix(namespace, key.slice(0, length)));
    }
  }
}
