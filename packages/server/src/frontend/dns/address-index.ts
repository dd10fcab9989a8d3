/**
 * Which node or service an address belongs to, for reverse names. It is kept current by adding and removing one row at a
 * time; who feeds it is `catalog-index.ts`.
 *
 *   digits ─► the row                       most addresses have one
 *         └─► keys in order                 many instances behind one address: nodes first, then services by name
 *
 * Finding a name takes O(log rows of the address), and one more step for each node or service before it that may not be
 * told.
 */

import { OrderedKeys } from '../../registry/ordered-keys.ts';
import type { InstanceRow, NodeRow } from '../../registry/rows.ts';
import { addressDigits } from './address.ts';

/** What an address belongs to. */
export interface Holder {
  readonly of: 'node' | 'service';
  readonly name: string;
}

/** What may be told. */
export interface Readable {
  node(name: string): boolean;
  service(name: string): boolean;
}

type Addressed = NodeRow | InstanceRow;

const nodePrefix = 'node\0';
const servicePrefix = 'service\0';

export class AddressIndex {
  readonly #holders = new Map<string, Addressed | OrderedKeys>();

  /** Addresses that belong to anything. */
  get size(): number {
    return this.#holders.size;
  }

  /** Adds a row that is not in the index yet, or is already, in this form. */
  add(row: Addressed): void {
    const digits = digitsOf(row);
    if (digits === undefined) return;
    const held = this.#holders.get(digits);
    if (held === undefined || (!(held instanceof OrderedKeys) && keyOf(held) === keyOf(row))) {
      this.#holders.set(digits, row);
      return;
    }
    let keys = held;
    if (!(keys instanceof OrderedKeys)) {
      keys = new OrderedKeys();
      keys.add(keyOf(held as Addressed));
      this.#holders.set(digits, keys);
    }
    keys.add(keyOf(row));
  }

  /** Removes a row, if it is there. */
  delete(row: Addressed): void {
    const digits = digitsOf(row);
    const held = digits === undefined ? undefined : this.#holders.get(digits);
    if (digits === undefined || held === undefined) return;
    if (held instanceof OrderedKeys) {
      held.delete(keyOf(row));
      if (held.size > 0) return;
    } else if (keyOf(held) !== keyOf(row)) return;
    this.#holders.delete(digits);
  }

  /** Nodes come before services, as in Consul; the first by name that may be told. */
  find(digits: string, readable: Readable): Holder | undefined {
    const held = this.#holders.get(digits);
    if (held === undefined) return undefined;
    if (held instanceof OrderedKeys) return firstOf(held, readable);
    if (held.kind === 'node') return readable.node(held.name) ? { of: 'node', name: held.name } : undefined;
    return readable.service(held.service) && readable.node(held.node) ? { of: 'service', name: held.service } : undefined;
  }
}

function firstOf(keys: OrderedKeys, readable: Readable): Holder | undefined {
  for (const key of keys.under(nodePrefix)) {
    const name = key.slice(nodePrefix.length);
    if (readable.node(name)) return { of: 'node', name };
  }
  let after: string | undefined = servicePrefix;
  while (after !== undefined) {
    let next: string | undefined;
    for (const key of keys.under(servicePrefix, after)) {
      const [, name = '', node = ''] = key.split('\0', 3);
      if (!readable.service(name)) {
        // Above every instance of this service.
        next = `${servicePrefix}${name}\u{1}`;
        break;
      }
      if (readable.node(node)) return { of: 'service', name };
    }
    after = next;
  }
  return undefined;
}

function digitsOf({ address }: Addressed): string | undefined {
  return address === '' ? undefined : addressDigits(address);
}

function keyOf(row: Addressed): string {
  return row.kind === 'node' ? `${nodePrefix}${row.name}` : `${servicePrefix}${row.service}\0${row.node}\0${row.id}`;
}
