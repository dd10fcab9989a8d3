/**
 * A gateway: a member of a group that joins it with a registry. Instances of the registry become rows of the group,
 * instances of the group are registered in the registry.
 *
 *     registry ── instances that are not marked with this group ──► rows, marked as mirrored ── group
 *     registry ◄── registrations, marked with this group ── rows that are not mirrored ──────── group
 *
 * The marks end every loop. Each gateway is an instance of the service `rollcall-gateway` of its group; of several, the one
 * with the first name writes to the registry, and another takes over when it dies. Mirrored rows stay in the group when a
 * gateway dies without a goodbye. While the registry cannot be asked, or this member is cut off from its group, nothing is
 * removed on the other side.
 */

import type { AdministrativeStatus, Instance, InstanceStatus, ServiceEntry } from '@rollcall/protocol';
import type { InstanceRow } from './catalog.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Group } from './group.ts';

/** What a gateway needs of a client of the registry: `Rollcall` of `@rollcall/client` has it. */
export interface BridgedRegistry {
  readonly namespace: string;
  readonly source: { watch(service: string, listener: (snapshot: { readonly instances: readonly Instance[]; readonly stale: boolean }) => void): () => void };
  watchServices(options: { readonly signal: AbortSignal }): AsyncIterable<readonly ServiceEntry[]>;
  announce(registration: GatewayRegistration): { update(change: Omit<GatewayRegistration, 'id' | 'service'>): Promise<void>; close(): Promise<void> };
}

type Kept = 'address' | 'port' | 'tags' | 'meta' | 'weight' | 'scheme' | 'ports' | 'zone' | 'region' | 'cluster';

export type GatewayRegistration = Pick<Instance, 'id' | 'service' | Kept> & { readonly status: AdministrativeStatus };

export interface GatewayOptions {
  readonly group: Group;
  readonly registry: BridgedRegistry;
  /** `both` by default. */
  readonly direction?: 'both' | 'to-group' | 'to-registry';
  /** Only instances with this tag cross. */
  readonly tag?: string;
  readonly onWarning?: (message: string) => void;
  readonly clock?: Clock;
}

/** The name of this group, in the meta data of what the gateway registers. */
export const originKey = 'rollcall-gossip-group';

export const gatewayService = 'rollcall-gateway';

/** Services that stay on their side: gateways, and the registry itself, under the name that Consul's clients expect. */
const inner: ReadonlySet<string> = new Set([gatewayService, 'consul']);

/** How often both sides are compared, besides after each change, in milliseconds. */
const compareMs = 5_000;

const statuses: Readonly<Record<InstanceStatus, AdministrativeStatus>> = {
  ...{ passing: 'up', warning: 'up', starting: 'starting', draining: 'draining', critical: 'down', maintenance: 'out_of_service' },
};

interface Registered {
  readonly registration: ReturnType<BridgedRegistry['announce']>;
  /** What was registered last. */
  text: string;
}

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  /** By service: ends the watch, and the rows that it mirrors. */
  readonly #watched = new Map<string, { readonly stop: () => void; readonly rows: Map<string, InstanceRow> }>();
  readonly #registered = new Map<string, Registered>();
  readonly #own: InstanceRow;
  #isComparing = false;
  #stopListening: () => void = () => {};
  #stopTimer: () => void = () => {};

  /** Starts to mirror. */
  constructor(options: GatewayOptions) {
    const { group, registry, direction = 'both', clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    const place = { id: group.name, service: gatewayService, node: group.name, address: group.address.host, port: 0 };
    this.#own = { namespace: registry.namespace, instance: { ...place, tags: [], meta: {}, weight: 1, status: 'passing' } };
    if (direction !== 'to-group') {
      group.put(this.#own);
      this.#stopListening = group.onChange(() => this.#compareSoon());
      this.#compareAlways();
    }
    if (direction !== 'to-registry') void this.#followServices();
  }

  /** Instances that are mirrored into the group, and into the registry. */
  get counts(): { readonly inGroup: number; readonly inRegistry: number } {
    const inGroup = Array.from(this.#watched.values()).reduce((sum, { rows }) => sum + rows.size, 0);
    return { inGroup, inRegistry: this.#registered.size };
  }

  /** Removes what this gateway has mirrored, on both sides. Idempotent. */
  async close(): Promise<void> {
    this.#stopped.abort();
    this.#stopListening();
    this.#stopTimer();
    for (const service of this.#watched.keys()) this.#unwatch(service);
    this.#options.group.remove(this.#own);
    await Promise.all(Array.from(this.#registered.values(), ({ registration }) => registration.close()));
    this.#registered.clear();
  }

  async #followServices(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      for await (const entries of this.#options.registry.watchServices({ signal })) {
        const wanted = new Set(entries.map(({ service }) => service).filter((service) => !inner.has(service)));
        for (const service of wanted) if (!this.#watched.has(service)) this.#watch(service);
        for (const service of this.#watched.keys()) if (!wanted.has(service)) this.#unwatch(service);
      }
    } catch (error) {
      if (!signal.aborted) this.#warn(`the services of the registry cannot be followed: ${(error as Error).message}`);
    }
  }

  #watch(service: string): void {
    const rows = new Map<string, InstanceRow>();
    const stop = this.#options.registry.source.watch(service, ({ instances, stale }) => {
      // A list that the registry has not confirmed removes nothing.
      if (!stale) this.#mirror(rows, instances);
    });
    this.#watched.set(service, { stop, rows });
  }

  #unwatch(service: string): void {
    const watched = this.#watched.get(service);
    watched?.stop();
    for (const row of watched?.rows.values() ?? []) this.#options.group.remove(row);
    this.#watched.delete(service);
  }

  /** Makes the rows of one service those of the registry. */
  #mirror(rows: Map<string, InstanceRow>, instances: readonly Instance[]): void {
    const { group, registry } = this.#options;
    const wanted = new Map(instances.filter((instance) => this.#crosses(instance) && instance.meta[originKey] !== group.group).map((instance) => [keyOf(instance), instance]));
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue;
      group.remove(row);
      rows.delete(key);
    }
    for (const [key, instance] of wanted) {
      const row: InstanceRow = { namespace: registry.namespace, instance, isMirrored: true };
      try {
        group.put(row);
        rows.set(key, row);
      } catch (error) {
        this.#warn(`${instance.id} of ${instance.service} is not in the group: ${(error as Error).message}`);
      }
    }
  }

  #compareAlways(): void {
    this.#compare();
    this.#stopTimer = this.#clock.timer(compareMs, () => this.#compareAlways());
  }

  /** Once for all changes of a turn. */
  #compareSoon(): void {
    if (this.#isComparing) return;
    this.#isComparing = true;
    queueMicrotask(() => {
      this.#isComparing = false;
      if (!this.#stopped.signal.aborted) this.#compare();
    });
  }

  /** Makes the registrations of this gateway those of the group. */
  #compare(): void {
    const { group, registry } = this.#options;
    // Cut off from the group: all of it looks dead from here.
    const removes = !group.isAlone;
    const rows = this.#isFirst() ? group.rows(registry.namespace) : [];
    const wanted = new Map(rows.filter(({ instance, isMirrored }) => isMirrored !== true && !inner.has(instance.service) && this.#crosses(instance)).map(({ instance }) => [keyOf(instance), instance]));
    for (const [key, { registration }] of this.#registered) {
      if (wanted.has(key) || !removes) continue;
      this.#registered.delete(key);
      void registration.close();
    }
    for (const [key, instance] of wanted) this.#register(key, instance);
  }

  #register(key: string, instance: Instance): void {
    const { id, service, node: _node, status, meta, ...rest } = instance;
    const change = { ...rest, status: statuses[status], meta: { ...meta, [originKey]: this.#options.group.group } };
    const text = JSON.stringify([service, change]);
    const known = this.#registered.get(key);
    if (known?.text === text) return;
    const failed = (error: unknown) => this.#warn(`${id} of ${service} is not in the registry as it is in the group: ${(error as Error).message}`);
    try {
      if (known === undefined) this.#registered.set(key, { registration: this.#options.registry.announce({ ...change, service, id: key }), text });
      else {
        known.text = text;
        void known.registration.update(change).catch(failed);
      }
    } catch (error) {
      failed(error);
    }
  }

  /** Of all gateways of the group the one with the first name writes to the registry. */
  #isFirst(): boolean {
    const { group, registry } = this.#options;
    return group.instances(gatewayService, registry.namespace).every(({ node }) => node >= group.name);
  }

  #crosses({ tags }: Instance): boolean {
    const { tag } = this.#options;
    return tag === undefined || tags.includes(tag);
  }

  #warn(message: string): void {
    this.#options.onWarning?.(message);
  }
}

/** The id of an instance of the group in the registry: its node is part of it, since ids are unique on a node. */
function keyOf({ node, id }: Instance): string {
  return `${node}/${id}`;
}
