/**
 * The instances that one client has registered over its connection. They live as long as the connection, and the grace longer: critical
 * at once when it ends, removed after the grace, unless the client has registered them again by then.
 *
 * A client that connects again has another connection, so another session; its registrations, which it repeats, move the instances there.
 */

import { type ClientInstance, RegistryError } from '@rollcall/protocol';
import { instancesIn } from '../../../clients/instances.ts';
import { ConnectionSession } from '../../../health/connection/connection-session.ts';
import type { Context } from '../../../net/frontend.ts';
import { instancesOfSession } from '../../../registry/kind/catalog/find.ts';
import type { Register } from '../../../registry/kind/catalog/commands.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import { findSession } from '../../../registry/kind/session/find.ts';
import { toService, type ServiceName } from '../names.ts';
import { ownAt } from '../naming/spot.ts';
import { registration, type NacosInstance } from '../translate.ts';
import type { Connection } from './connection.ts';

/** Time after its connection in which a client comes back: that after which Nacos removes an instance without heartbeats. */
const graceMs = 30_000;

export interface ClientInstancesOptions {
  readonly context: Context;
  readonly connection: Connection;
  /** The one that vouches for the instances now. */
  readonly principal: () => string;
}

export class ClientInstances {
  readonly #options: ClientInstancesOptions;
  /** One for each namespace in which the client has registered instances. */
  readonly #sessions = new Map<string, { readonly id: string; readonly session: ConnectionSession }>();

  constructor(options: ClientInstancesOptions) {
    this.#options = options;
    options.connection.onEnd((end) => {
      for (const { session } of this.#sessions.values()) session.close(end);
    });
  }

  get vouches(): boolean {
    for (const { session } of this.#sessions.values()) if (session.vouches) return true;
    return false;
  }

  /** For lists of clients. */
  *all(): Generator<ClientInstance, void, undefined> {
    for (const [namespace, { id }] of this.#sessions) yield* instancesIn(this.#options.context.registry.state, namespace, id);
  }

  /**
   * Registers instances of a service. Others that the client has registered of the service go: Nacos knows one list of a client for
   * each service.
   * @throws RegistryError `resource_exhausted`, or from the commit
   */
  register(namespace: string, service: ServiceName, instances: readonly NacosInstance[]): Promise<void> {
    const { id, session } = this.#sessionIn(namespace);
    return session.run(() => session.retried(() => this.#register({ namespace, id }, session, service, instances)));
  }

  /**
   * Removes an instance that the client has registered, on this connection or on one that has ended. One that another client's open
   * connection vouches for stays, as in Nacos.
   */
  async deregister(namespace: string, service: ServiceName, { ip, port, clusterName: cluster }: NacosInstance): Promise<void> {
    const own = this.#sessions.get(namespace);
    const remove = async () => {
      const { registry } = this.#options.context;
      const row = ownAt(registry.state, namespace, service, { ip, port, cluster });
      if (row === undefined || !this.#mayRemove(row, own?.id)) return;
      await registry.submit({ kind: 'deregister-instance', namespace, node: '', id: row.id });
    };
    await (own === undefined ? remove() : own.session.run(remove));
  }

  /** Whether no open connection of another client vouches for it. */
  #mayRemove({ namespace, session }: InstanceRow, own: string | undefined): boolean {
    if (session === undefined) return false;
    return session === own || findSession(this.#options.context.registry.state, namespace, session)?.holder === undefined;
  }

  #sessionIn(namespace: string): { readonly id: string; readonly session: ConnectionSession } {
    const known = this.#sessions.get(namespace);
    if (known !== undefined) return known;
    const { context, connection, principal } = this.#options;
    const id = context.uuid();
    let holds = true;
    // Instances that the registry has lost are registered again by a client that connects again.
    const lost = () => connection.cut('died');
    const session = new ConnectionSession({
      ...{ registry: context.registry, health: context.health, wheel: context.wheel, log: context.log, namespace, id, graceMs, principal },
      hold: {
        get holds() {
          return holds;
        },
        release: () => (holds = false),
      },
      // The id is random and known to this connection only.
      isOwn: () => true,
      onLost: lost,
      onMoved: lost,
    });
    const made = { id, session };
    this.#sessions.set(namespace, made);
    return made;
  }

  async #register(of: { namespace: string; id: string }, session: ConnectionSession, service: ServiceName, instances: readonly NacosInstance[]): Promise<void> {
    const { registry } = this.#options.context;
    const { namespace, id } = of;
    const command = this.#command(of, service, instances);
    const named = new Set(command.instances?.map((instance) => instance.id));
    const former = this.#held(of).filter((row) => row.service === toService(service) && !named.has(row.id));
    this.#checkRoom(of, named, former.length);
    const { link, client } = this.#options.connection;
    const name = `Nacos client ${link.address}${client.version === '' ? '' : ` (${client.version})`}`;
    // All are submitted in one turn, so they are decided in this order and committed together.
    const results = await Promise.allSettled([
      session.begin({ name, node: '', foreign: { nacos: { connection: link.id } } }),
      registry.submit(command),
      ...former.map((row) => registry.submit({ kind: 'deregister-instance', namespace, node: '', id: row.id })),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (!session.isOpen && results[0]?.status === 'fulfilled' && findSession(registry.state, namespace, id) !== undefined) await session.opened();
    if (failed !== undefined) throw failed.reason;
  }

  /** One command for all: all are registered, or none. */
  #command({ namespace, id: session }: { namespace: string; id: string }, service: ServiceName, instances: readonly NacosInstance[]): Register {
    const { state } = this.#options.context.registry;
    const each = instances.map((instance) => {
      const before = ownAt(state, namespace, service, { ...instance, cluster: instance.clusterName });
      return registration(namespace, service, instance, { by: 'session', session }, before);
    });
    const checks = each.flatMap((command) => command.checks ?? []);
    return {
      ...{ kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none', replaceChecks: true },
      instances: each.flatMap((command) => command.instances ?? []),
      checks,
    };
  }

  #held({ namespace, id }: { namespace: string; id: string }): InstanceRow[] {
    return [...instancesOfSession(this.#options.context.registry.state, namespace, id)];
  }

  #checkRoom(of: { namespace: string; id: string }, named: ReadonlySet<string>, former: number): void {
    const limit = this.#options.context.limits.instancesPerStreamMax;
    let size = named.size - former;
    for (const { id } of this.#held(of)) if (!named.has(id)) size++;
    if (size <= limit) return;
    throw new RegistryError('resource_exhausted', `the connection would have ${size} instances, the limit is ${limit}; use more connections`);
  }
}
