/**
 * Finds rows by address, and names in any case. It reads the whole catalog once, before the first question, and then follows
 * every change of the registry, a row at a time.
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
  readonly addresses = new AddressIndex();
  /** The scope of a service is its namespace. */
  readonly services = new CaseIndex();
  readonly nodes = new CaseIndex();
  readonly namespaces = new CaseIndex();
  readonly #registry: Pick<Registry, 'state' | 'observe'>;
  readonly #stopObserving: () => void;
  #gathered = false;
  #restoring = false;
  #restores = 0;

  constructor(registry: Pick<Registry, 'state' | 'observe'>) {
    this.#registry = registry;
    this.#stopObserving = registry.observe(this);
  }

  /** Whether rows may be missing: the catalog is being read, or a restore is being followed. */
  get behind(): boolean {
    return !this.#gathered || this.#restoring;
  }

  /** Reads the catalog over some turns of the event loop. Changes in the meantime are followed. */
  async gather(): Promise<void> {
    while (!this.#gathered) this.#gathered = await inTurns(this.#gathering());
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

  /** @returns false when a restore has replaced the rows that it reads: the catalog must be read again */
  *#gathering(): Generator<void, boolean, undefined> {
    const { state } = this.#registry;
    const restores = this.#restores;
    for (const row of catalogRows(state)) {
      if (this.#restores !== restores) return false;
      this.#add(row);
      yield;
    }
    return true;
  }

  #follow({ before, after }: RowChange): void {
    if (before !== undefined && after !== undefined && keepsItsPlace(before, after)) {
      if (after.kind === 'node' || after.kind === 'instance') this.addresses.replace(after);
      return;
    }
    if (before !== undefined) this.#delete(before);
    if (after !== undefined) this.#add(after);
  }

  #add(row: Row): void {
    if (row.kind === 'namespace') this.namespaces.add('', row.name);
    else if (row.kind === 'node') {
      this.nodes.add('', row.name);
      this.addresses.add(row);
    } else if (row.kind === 'instance') {
      this.services.add(row.namespace, row.service);
      this.addresses.add(row);
    }
  }

  #delete(row: Row): void {
    if (row.kind === 'namespace') this.namespaces.delete('', row.name);
    else if (row.kind === 'node') {
      this.nodes.delete('', row.name);
      this.addresses.delete(row);
    } else if (row.kind === 'instance') {
      const { namespace, service } = row;
      if (!servicesOf(this.#registry.state).has(namespace, service)) this.services.delete(namespace, service);
      this.addresses.delete(row);
    }
  }
}

/** Whether both, which have one key, have the same names and address: nearly every change is one of other fields. */
function keepsItsPlace(before: Row, after: Row): boolean {
  if (before.kind === 'node') return after.kind === 'node' && before.address === after.address;
  if (before.kind !== 'instance') return before.kind === after.kind;
  return after.kind === 'instance' && before.service === after.service && before.address === after.address;
}

function* catalogRows(state: State): Generator<Row, void, undefined> {
  yield* allNamespaces(state);
  yield* allNodes(state);
  for (const namespace of [...servicesOf(state).namespaces()]) {
    for (const service of [...servicesOf(state).names(namespace)]) yield* instancesOfService(state, namespace, service);
  }
}
