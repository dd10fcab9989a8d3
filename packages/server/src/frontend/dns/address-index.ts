/**
 * Finds the node or service that an address belongs to, for reverse names. `catalog-index.ts` keeps it current by adding
 * and removing one row at a time.
 *
 *   digits ─► the row                       most addresses have one
 *         └─► keys in order                 many instances behind one address: nodes first, then services by namespace
 *                                            and name, those of the default namespace first
 *
 * Finding a name takes O(log n) for n rows with the address, and one more step for each node or service that comes first
 * but may not be told.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { OrderedKeys } from '../../registry/ordered-keys.ts';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { addressDigits } from './address.ts';

/** The owner of an address: a node, or a service. */
export type Holder =
  | { readonly of: 'node'; readonly name: string }
  | { readonly of: 'service'; readonly namespace: string; readonly name: string };

/** The rows that the caller may see. */
export interface Readable {
  /** @param namespace of the instance on the node, or the default one for the node itself */
  node(namespace: string, name: string): boolean;
  service(namespace: string, name: string): boolean;
}

type Addressed = NodeRow | InstanceRow;

const nodePrefix = 'node\0';
const servicePrefix = 'service\0';

export class AddressIndex {
  readonly #holders = new Map<string, Addressed | OrderedKeys>();

  /** Number of addresses. */
  get size(): number {
    return this.#holders.size;
  }

  /** Adds a row. The index must not have another version of it; adding the same version twice is safe. */
  add(row: Addressed): void {
    const digits = digitsOf(row);
    if (digits === undefined) return;
    const held = this.#holders.get(digits);
    if (held === undefined || (!(held instanceof OrderedKeys) && isTheSame(held, row))) {
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

  /** Puts a row in place of its former version, which had the same address. Does not depend on how many rows share it. */
  replace(row: Addressed): void {
    const digits = digitsOf(row);
    if (digits !== undefined && !(this.#holders.get(digits) instanceof OrderedKeys)) this.add(row);
  }

  /** Removes a row, if it is there. */
  delete(row: Addressed): void {
    const digits = digitsOf(row);
    const held = digits === undefined ? undefined : this.#holders.get(digits);
    if (digits === undefined || held === undefined) return;
    if (held instanceof OrderedKeys) {
      held.delete(keyOf(row));
      if (held.size > 0) return;
    } else if (!isTheSame(held, row)) return;
    this.#holders.delete(digits);
  }

  /** The first node that may be told, or else the first service: nodes come first, as in Consul. */
  find(digits: string, readable: Readable): Holder | undefined {
    const held = this.#holders.get(digits);
    if (held === undefined) return undefined;
    if (held instanceof OrderedKeys) return firstOf(held, readable);
    if (held.kind === 'node') return readable.node(defaultNamespace, held.name) ? { of: 'node', name: held.name } : undefined;
    const { namespace, service, node } = held;
    const mayBeTold = readable.service(namespace, service) && readable.node(namespace, node);
    return mayBeTold ? { of: 'service', namespace, name: service } : undefined;
  }
}

function firstOf(keys: OrderedKeys, readable: Readable): Holder | undefined {
  for (const key of keys.under(nodePrefix)) {
    const name = key.slice(nodePrefix.length);
    if (readable.node(defaultNamespace, name)) return { of: 'node', name };
  }
  let after: string | undefined = servicePrefix;
  while (after !== undefined) {
    let next: string | undefined;
    for (const key of keys.under(servicePrefix, after)) {
      const [, scope = '', name = '', node = ''] = key.split('\0', 4);
      const namespace = scope === '' ? defaultNamespace : scope;
      if (!readable.service(namespace, name)) {
        // Above every instance of this service.
        next = `${servicePrefix}${scope}\0${name}\u{1}`;
        break;
      }
      if (readable.node(namespace, node)) return { of: 'service', namespace, name };
    }
    after = next;
  }
  return undefined;
}

function digitsOf({ address }: Addressed): string | undefined {
  return address === '' ? undefined : addressDigits(address);
}

/** Whether both are versions of one row with the same key here. */
function isTheSame(one: Addressed, other: Addressed): boolean {
  if (one.kind === 'node') return other.kind === 'node' && one.name === other.name;
  return other.kind === 'instance' && one.id === other.id && one.node === other.node && one.service === other.service && one.namespace === other.namespace;
}

function keyOf(row: Addressed): string {
  if (row.kind === 'node') return `${nodePrefix}${row.name}`;
  const { namespace, service, node, id } = row;
  return `${servicePrefix}${namespace === defaultNamespace ? '' : namespace}\0${service}\0${node}\0${id}`;
}
