/**
 * Finds what a name means among what is registered: names of the DNS know no case (RFC 4343), names
 * of the registry do; and addresses lead back to names. What is found comes with a stamp that
 * changes when, and only when, the answer may: it decides how long an encoded answer is good.
 */

import type { Clock } from '../../clock.ts';
import { find } from '../../registry/reader.ts';
import type { Registry } from '../../registry/registry.ts';
import type { NodeRow } from '../../registry/rows.ts';
import { viewOf } from '../../registry/view-name.ts';
import { addressDigits } from './address.ts';
import type { Asked } from './names.ts';
import { Rebuilt } from './rebuilt.ts';

/** What a question is about. Read it at once: rows are good for one turn only. */
export type Subject = {
  readonly stamp: string;
  /** It comes from an index that is behind: ask again next time, even if nothing changes until then. */
  readonly behind: boolean;
} & (
  | { readonly kind: 'service'; readonly names: readonly string[]; readonly tag: string }
  | { readonly kind: 'node'; readonly node: NodeRow }
  | { readonly kind: 'address'; readonly digits: string }
  /** An address of a node, or of an instance of a service; of nobody when the name is empty. */
  | { readonly kind: 'reverse'; readonly of: 'node' | 'service'; readonly name: string }
  | { readonly kind: 'apex' }
  | { readonly kind: 'between' }
  | { readonly kind: 'nothing' }
);

const fixed = { stamp: '', behind: false } as const;
const nothing: Subject = { kind: 'nothing', ...fixed };

/** Whose an address is. */
type Holder = readonly [of: 'node' | 'service', name: string];

const nobody: Holder = ['node', ''];

export class Directory {
  readonly #registry: Registry;
  readonly #datacenter: string;
  /** Names that are not in lower case, by what they are in lower case; there are few, if any. */
  readonly #services: Rebuilt<ReadonlyMap<string, readonly string[]>>;
  readonly #nodes: Rebuilt<ReadonlyMap<string, readonly string[]>>;
  readonly #addresses: Rebuilt<ReadonlyMap<string, Holder>>;

  constructor(registry: Registry, clock: Clock, datacenter: string) {
    const { state, views } = registry;
    this.#registry = registry;
    this.#datacenter = lowerCase(datacenter);
    this.#services = new Rebuilt(clock, () => views.revision(viewOf.services()), () => folded(state.services()));
    this.#nodes = new Rebuilt(clock, () => views.revision(viewOf.nodes()), () => folded(nodeNames(registry)));
    this.#addresses = new Rebuilt(clock, () => state.revision, () => addresses(registry));
  }

  subjectOf(asked: Asked): Subject {
    switch (asked.kind) {
      case 'service':
        return this.#isHere(asked.datacenter) ? this.#service(asked.service, asked.tag) : nothing;
      case 'node':
        return this.#isHere(asked.datacenter) ? this.#node(asked.node) : nothing;
      case 'address':
        return { kind: 'address', digits: asked.digits, ...fixed };
      case 'reverse':
        return this.#reverse(asked.digits);
      case 'apex':
        return { kind: 'apex', ...fixed };
      case 'between':
        return this.#isHere(asked.datacenter) ? { kind: 'between', ...fixed } : nothing;
      // There are no prepared queries yet.
      case 'query':
      case 'unknown':
      case 'foreign':
        return nothing;
    }
  }

  #isHere(datacenter: string): boolean {
    return datacenter === '' || datacenter === this.#datacenter;
  }

  #service(name: string, tag: string): Subject {
    const { state, views } = this.#registry;
    const { index, behind } = this.#services.read();
    const others = index.get(name) ?? [];
    const names = state.services().has(name) ? [name, ...others] : others;
    if (names.length === 0) return { ...nothing, behind };
    const stamp = names.map((each) => `${each}\0${views.revision(viewOf.service(each))}`).join('\0');
    return { kind: 'service', names, tag, stamp, behind };
  }

  #node(name: string): Subject {
    const { state } = this.#registry;
    const exact = find.node(state, name);
    if (exact !== undefined) return nodeSubject(exact, false);
    const { index, behind } = this.#nodes.read();
    const node = find.node(state, index.get(name)?.[0] ?? '');
    return node === undefined ? { ...nothing, behind } : nodeSubject(node, behind);
  }

  #reverse(digits: string): Subject {
    const { index, behind } = this.#addresses.read();
    const [of, name] = index.get(digits) ?? nobody;
    return { kind: 'reverse', of, name, stamp: `${of}\0${name}`, behind };
  }
}

function nodeSubject(node: NodeRow, behind: boolean): Subject {
  return { kind: 'node', node, stamp: `${node.name}\0${node.modified}`, behind };
}

/** ASCII only, as the DNS has it. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function folded(names: Iterable<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    if (!/[A-Z]/.test(name)) continue;
    const key = lowerCase(name);
    const same = found.get(key);
    if (same === undefined) found.set(key, [name]);
    else same.push(name);
  }
  // The order must not depend on the order of registrations.
  for (const same of found.values()) same.sort();
  return found;
}

function* nodeNames({ state }: Registry): Iterable<string> {
  for (const { name } of find.nodes(state)) yield name;
}

/** Nodes before services, as in Consul; among equals the first by name. */
function addresses({ state }: Registry): Map<string, Holder> {
  const found = new Map<string, Holder>();
  const add = (of: 'node' | 'service', name: string, address: string) => {
    const digits = address === '' ? undefined : addressDigits(address);
    if (digits === undefined) return;
    const known = found.get(digits);
    if (known === undefined || (known[0] === of && name < known[1])) found.set(digits, [of, name]);
  };
  for (const { name, address } of find.nodes(state)) add('node', name, address);
  for (const service of state.services()) {
    for (const { address } of find.instancesOfService(state, service)) add('service', service, address);
  }
  return found;
}
