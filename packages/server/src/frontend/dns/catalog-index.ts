/**
 * Finds rows by address, and names in any case. It reads the names of the catalog once, before the first question, and its
 * addresses once, before the first question about an address: few registries get one, and reading all addresses would take a tenth
 * of their start. Then it follows every change of the registry, a row at a time.
 */

import { inTurns } from '../../in-turns.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import type { Observer } from '../../registry/observer.ts';
import { allNodes, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { allNamespaces } from '../../registry/kind/namespace/find.ts';
import type { Row, RowChange } from '../../registry/kinds.ts';
import type { Registry } from '../../registry/registry.ts';
import type { State } from '../../registry/state.ts';
import { AddressIndex } from './address-index.ts';
import { CaseIndex } from './case-index.ts';

export class CatalogIndex implements Observer {
  readonly #addresses = new AddressIndex();
  /** The scope of a service is its namespace. */
  readonly services = new CaseIndex();
  readonly nodes = new CaseIndex();
  readonly namespaces = new CaseIndex();
  readonly #registry: Pick<Registry, 'state' | 'observe'>;
  readonly #stopObserving: () => void;
  readonly #read = { names: false, addresses: false };
  #readingAddresses: Promise<void> | undefined;
  #restoring = false;
  #restores = 0;

  constructor(registry: Pick<Registry, 'state' | 'observe'>) {
    this.#registry = registry;
    this.#stopObserving = registry.observe(this);
  }

  /** Undefined until `gatherAddresses` is done. */
  get addresses(): AddressIndex | undefined {
    return this.#read.addresses ? this.#addresses : undefined;
  }

  /** Whether rows may be missing: names are being read, or a restore is being followed. */
  get behind(): boolean {
    return !this.#read.names || this.#restoring;
  }

  /** Reads the names over some turns of the event loop. Changes in the meantime are followed. */
  async gather(): Promise<void> {
    const { state } = this.#registry;
    while (!this.#read.names) this.#read.names = await inTurns(this.#gathering(namedRows(state), (row) => this.#addName(row)));
  }

  /** Reads the addresses, once, in the same way. */
  gatherAddresses(): Promise<void> {
    return (this.#readingAddresses ??= this.#gatherAddresses());
  }

  async #gatherAddresses(): Promise<void> {
    const { state } = this.#registry;
    while (!this.#read.addresses) this.#read.addresses = await inTurns(this.#gathering(addressedRows(state), (row) => this.#addAddress(row)));
  }

  close(): void {
    this.#stopObserving();
  }

  observe(changes: readonly RowChange[]): void {
    for (const change of changes) this.#follow(change);
  }

  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    this.#restores++;
    this.#restoring = true;
    yield;
    for (const change of changes) {
      this.#follow(change);
      yield;
    }
    this.#restoring = false;
  }

  /** @returns false when a restore has replaced the rows that it reads: they must be read again */
  *#gathering(rows: Iterable<Row>, add: (row: Row) => void): Generator<void, boolean, undefined> {
    const restores = this.#restores;
    for (const row of rows) {
      if (this.#restores !== restores) return false;
      add(row);
      yield;
    }
    return true;
  }

  #follow({ before, after }: RowChange): void {
    const addresses = this.#readingAddresses === undefined ? undefined : this.#addresses;
    if (before !== undefined && after !== undefined && keepsItsPlace(before, after)) {
      if (after.kind === 'node' || after.kind === 'instance') addresses?.replace(after);
      return;
    }
    if (before !== undefined) {
      this.#deleteName(before);
      if (before.kind === 'node' || before.kind === 'instance') addresses?.delete(before);
    }
    if (after === undefined) return;
    this.#addName(after);
    if (addresses !== undefined) this.#addAddress(after);
  }

  #addName(row: Row): void {
    if (row.kind === 'namespace') this.namespaces.add('', row.name);
    else if (row.kind === 'node') this.nodes.add('', row.name);
    else if (row.kind === 'instance') this.services.add(row.namespace, row.service);
  }

  #addAddress(row: Row): void {
    if (row.kind === 'node' || row.kind === 'instance') this.#addresses.add(row);
  }

  #deleteName(row: Row): void {
    if (row.kind === 'namespace') this.namespaces.delete('', row.name);
    else if (row.kind === 'node') this.nodes.delete('', row.name);
    else if (row.kind === 'instance') {
      const { namespace, service } = row;
      if (!servicesOf(this.#registry.state).has(namespace, service)) this.services.delete(namespace, service);
    }
  }
}

/** Whether both, which have one key, have the same names and address: nearly every change is one of other fields. */
function keepsItsPlace(before: Row, after: Row): boolean {
  if (before.kind === 'node') return after.kind === 'node' && before.address === after.address;
  if (before.kind !== 'instance') return before.kind === after.kind;
  return after.kind === 'instance' && before.service === after.service && before.address === after.address;
}

/** Rows that have the names of all namespaces, nodes and services. */
function* namedRows(state: State): Generator<Row, void, undefined> {
  yield* allNamespaces(state);
  yield* allNodes(state);
  for (const [namespace, service] of services(state)) {
    for (const row of instancesOfService(state, namespace, service)) {
      yield row;
      break;
    }
  }
}

function* addressedRows(state: State): Generator<Row, void, undefined> {
  yield* allNodes(state);
  for (const [namespace, service] of services(state)) yield* instancesOfService(state, namespace, service);
}

function* services(state: State): Generator<[namespace: string, service: string], void, undefined> {
  for (const namespace of [...servicesOf(state).namespaces()]) {
    for (const service of [...servicesOf(state).names(namespace)]) yield [namespace, service];
  }
}
