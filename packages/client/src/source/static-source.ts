/**
 * A source of instances from a list in the program: for tests, for a client without a registry, and for
 * instances that are configured elsewhere. The list may be replaced at any time.
 */

import { type Instance, RegistryError } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { latest } from './latest.ts';
import type { ListOrigin, SnapshotSource, SourcedSnapshot } from './snapshot-source.ts';

/** `host:port` (IPv6 in brackets), or an instance of which only address and port are required. */
export type StaticInstance = string | (Partial<Instance> & Pick<Instance, 'address' | 'port'>);

const instanceMembers: OptionNames<Instance> = {
  ...{ id: true, service: true, node: true, address: true, port: true, tags: true, meta: true, weight: true, status: true },
  ...{ scheme: true, ports: true, zone: true, region: true, cluster: true },
};

export class StaticSource implements SnapshotSource {
  readonly #snapshots = new Map<string, SourcedSnapshot>();
  readonly #listeners = new Map<string, Set<(snapshot: SourcedSnapshot) => void>>();

  readonly #origin: ListOrigin;

  /**
   * @param origin as explanations name it
   * @throws RegistryError `invalid_argument` when an entry is not `host:port`, or has a member that there is not
   */
  constructor(services: Readonly<Record<string, readonly StaticInstance[]>> = {}, origin: ListOrigin = 'program') {
    this.#origin = origin;
    for (const [service, instances] of Object.entries(services)) this.set(service, instances);
  }

  /** @throws RegistryError `invalid_argument` when an entry is not `host:port`, or has a member that there is not */
  static check(services: Readonly<Record<string, readonly StaticInstance[]>>): void {
    for (const [service, instances] of Object.entries(services)) for (const entry of instances) complete(service, entry);
  }

  /**
   * Replaces the instances of a service and tells its watchers.
   * @throws RegistryError `invalid_argument` when an entry is not `host:port`, or has a member that there is not
   */
  set(service: string, instances: readonly StaticInstance[]): void {
    const snapshot: SourcedSnapshot = {
      service,
      revision: (this.#snapshots.get(service)?.revision ?? 0) + 1,
      instances: instances.map((entry) => complete(service, entry)),
      stale: false,
      ageMs: 0,
      origin: this.#origin,
    };
    this.#snapshots.set(service, snapshot);
    for (const listener of this.#listeners.get(service) ?? []) listener(snapshot);
  }

  current(service: string): SourcedSnapshot | undefined {
    return this.#snapshots.get(service);
  }

  async first(service: string, signal?: AbortSignal): Promise<SourcedSnapshot> {
    const lists = latest<SourcedSnapshot>((values) => this.watch(service, (snapshot) => values.push(snapshot)), signal);
    for await (const snapshot of lists) return snapshot;
    throw new RegistryError('internal', `the watch of ${service} ended by itself`);
  }

  watch(service: string, listener: (snapshot: SourcedSnapshot) => void): () => void {
    const listeners = this.#listeners.get(service) ?? new Set();
    this.#listeners.set(service, listeners);
    // One function may watch twice; each watch ends separately.
    const own = (snapshot: SourcedSnapshot) => listener(snapshot);
    listeners.add(own);
    const snapshot = this.#snapshots.get(service);
    if (snapshot !== undefined) own(snapshot);
    return () => listeners.delete(own);
  }
}

function complete(service: string, entry: StaticInstance): Instance {
  const given = typeof entry === 'string' ? parse(entry) : entry;
  checkKnown(given, instanceMembers, `an instance of ${service}`);
  const id = `${given.address}:${given.port}`;
  return { id, service, node: 'static', tags: [], meta: {}, weight: 1, status: 'passing', ...given };
}

function parse(entry: string): Pick<Instance, 'address' | 'port'> {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(entry) ?? [];
  const address = bracketed ?? plain;
  const port = Number(digits);
  if (address === undefined || port > 65_535) {
    throw new RegistryError('invalid_argument', `"${entry}" is not host:port, with IPv6 in brackets and a port up to 65535`);
  }
  return { address, port };
}
