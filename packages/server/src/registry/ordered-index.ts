/** The rows of one ordered kind by namespace and key, with the newest revision under each prefix. */

import { OrderedKeys } from './ordered-keys.ts';
import type { AnyRow } from './row.ts';

interface OrderedRow {
  readonly namespace: string;
  readonly key: string;
  readonly modified: number;
}

export class OrderedIndex {
  readonly #scopes = new Map<string, OrderedKeys>();
  #size = 0;

  /** How many rows there are, over all namespaces. */
  get size(): number {
    return this.#size;
  }

  namespaces(): Iterable<string> {
    return this.#scopes.keys();
  }

  /** Keys in order. @param after only those above this one */
  under(namespace: string, prefix: string, after?: string): Iterable<string> {
    return this.#scopes.get(namespace)?.under(prefix, after) ?? [];
  }

  newestUnder(namespace: string, prefix: string): number {
    return this.#scopes.get(namespace)?.newestUnder(prefix) ?? 0;
  }

  /** Follows one row; either side may be absent. */
  follow(before: AnyRow | undefined, after: AnyRow | undefined): void {
    if (after === undefined) {
      if (before !== undefined) this.#delete(before as unknown as OrderedRow);
      return;
    }
    const { namespace, key, modified } = after as unknown as OrderedRow;
    let keys = this.#scopes.get(namespace);
    if (keys === undefined) this.#scopes.set(namespace, (keys = new OrderedKeys()));
    if (before === undefined) this.#size++;
    keys.add(key, modified);
  }

  #delete({ namespace, key }: OrderedRow): void {
    const keys = this.#scopes.get(namespace);
    if (keys === undefined) return;
    keys.delete(key);
    this.#size--;
    if (keys.size === 0) this.#scopes.delete(namespace);
  }
}
