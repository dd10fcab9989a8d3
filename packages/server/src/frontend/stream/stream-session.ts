/**
 * The session of one stream: what its client registers, drains, beats and leases. `health/connection` keeps the session as long
 * as the stream, and the reconnect grace longer.
 */

import { type CheckStatus, type InstanceRegistration, RegistryError } from '@rollcall/protocol';
import { ConnectionSession, type ConnectionEnd } from '../../health/connection/connection-session.ts';
import type { AgentNode } from '../../net/agent-node.ts';
import type { Context } from '../../net/frontend.ts';
import { findInstance, findNode, instancesOfSession } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import type { StreamAccess } from './access.ts';
import { leaseOrdinal, type Pool } from './ordinals.ts';
import type { Claim } from './sessions.ts';
import { checkIds, hashIn, toCheckInputs, toInstanceInput } from './translate.ts';

export interface StreamSessionOptions {
  readonly context: Context;
  /** Of the session and of its instances. */
  readonly namespace: string;
  readonly id: string;
  readonly claim: Claim;
  /** Shown as the session's name. */
  readonly client: string;
  readonly node: AgentNode;
  /** Whether the client has chosen its node's name. */
  readonly isNamed: boolean;
  readonly access: StreamAccess;
  readonly graceMs: number;
  /** Called when another caller has ended the session in the registry. */
  readonly onLost: () => void;
  /** Called when another node of the store holds the session's connection: its client has come back there. */
  readonly onMoved: () => void;
}

export class StreamSession {
  readonly #context: Context;
  readonly #namespace: string;
  readonly #id: string;
  readonly #claim: Claim;
  readonly #client: string;
  #node: AgentNode;
  readonly #isNamed: boolean;
  readonly #access: StreamAccess;
  readonly #session: ConnectionSession;

  constructor(options: StreamSessionOptions) {
    this.#context = options.context;
    this.#namespace = options.namespace;
    this.#id = options.id;
    this.#claim = options.claim;
    this.#client = options.client;
    this.#node = options.node;
    this.#isNamed = options.isNamed;
    this.#access = options.access;
    const { context, namespace, id, claim, graceMs, onLost, onMoved } = options;
    this.#session = new ConnectionSession({
      ...{ registry: context.registry, health: context.health, wheel: context.wheel, log: context.log },
      ...{ namespace, id, hold: claim, graceMs, onLost, onMoved },
      principal: () => options.access.principal,
      isOwn: (row) => hashIn(row) === claim.hash,
    });
  }

  get vouches(): boolean {
    return this.#session.vouches;
  }

  /** The node that the instances are on. */
  get node(): AgentNode {
    return this.#node;
  }

  /** @returns whether the session lives with all its instances still valid */
  open(): Promise<boolean> {
    return this.#session.run(async () => {
      const { registry, log } = this.#context;
      const row = findSession(registry.state, this.#namespace, this.#id);
      if (row === undefined) return false;
      try {
        if (!this.#isNamed && findNode(registry.state, row.node)?.address === this.#node.address) {
          // A client on the host of one server has that one's node, and keeps it when it comes back to another server.
          this.#node = { ...this.#node, name: row.node };
        } else if (row.node !== this.#node.name) {
          // The client has moved: its instances run on another node now.
          await registry.submit({ kind: 'session-destroy', namespace: this.#namespace, id: this.#id });
          return false;
        }
        const forbidden = this.#own(undefined).filter(({ service }) => !this.#access.allows(this.#namespace, 'service', 'write', service));
        await this.#remove(forbidden);
        await this.#session.opened();
        if (forbidden.length > 0) return false;
      } catch (err) {
        log.warn({ err, session: this.#id }, 'a session could not be resumed; its client registers again');
        return false;
      }
      return findNode(registry.state, row.node)?.address === this.#node.address;
    });
  }

  /** @throws RegistryError `resource_exhausted`, `already_exists`, `permission_denied`, or from the commit */
  register(instances: readonly InstanceRegistration[]): Promise<void> {
    return this.#session.run(async () => {
      this.#checkRoom(instances);
      await this.#session.retried(() => this.#register(instances));
    });
  }

  /** @throws RegistryError as `leaseOrdinal`, or from the commit */
  lease(pool: Pool): Promise<number> {
    return this.#session.run(async () => {
      const [, session] = await Promise.allSettled(this.#begun());
      if (session.status === 'rejected') throw session.reason;
      if (!this.#session.isOpen) await this.#session.opened();
      return await leaseOrdinal(this.#context.registry, { namespace: this.#namespace, id: this.#id }, pool);
    });
  }

  /** @returns whether any of them was this session's */
  drain(instances: readonly string[]): Promise<boolean> {
    return this.#session.run(async () => {
      const own = this.#own(instances);
      await this.#drain(own);
      return own.length > 0;
    });
  }

  /** @returns whether any of them was this session's */
  deregister(instances: readonly string[]): Promise<boolean> {
    return this.#session.run(async () => {
      const own = this.#own(instances);
      await this.#remove(own);
      return own.length > 0;
    });
  }

  /** @returns false when there is no such check, or it takes no heartbeats */
  beat(instance: string, check: string, status: CheckStatus, output: string): Promise<boolean> {
    return this.#session.run(async () => {
      const [row] = this.#own([instance]);
      if (row === undefined) return false;
      return this.#context.health.beat(this.#namespace, row.node, checkIds.own(row.id, check), status, output, this.#access.principal, this);
    });
  }

  /** The client leaves: its instances drain first, so that pickers learn of it, then they and the session are removed. */
  leave(): Promise<void> {
    return this.#session.run(async () => {
      if (!this.#session.isOpen) return;
      await this.#drain(this.#own(undefined));
      await this.#session.destroy();
    });
  }

  /** Called when the stream has ended. */
  close(end: ConnectionEnd): void {
    this.#session.close(end);
  }

  async #register(instances: readonly InstanceRegistration[]): Promise<void> {
    const { registry } = this.#context;
    const { name: node, address } = this.#node;
    this.#requirePermission(instances);
    const known = findNode(registry.state, node);
    // A node of this name has another address: the instances get the address of their client.
    const elsewhere = known !== undefined && known.address !== address ? { address } : {};
    // All are submitted in one turn, so they are decided in this order and committed together.
    const [, session, registered] = await Promise.allSettled([
      ...this.#begun(),
      registry.submit({
        kind: 'register',
        namespace: this.#namespace,
        nodeMode: 'exists',
        node: { name: node, address },
        instances: instances.map((instance) => ({ ...elsewhere, ...toInstanceInput(instance, this.#id) })),
        checks: instances.flatMap(toCheckInputs),
        replaceChecks: true,
      }),
    ]);
    if (session.status === 'rejected') throw session.reason;
    if (!this.#session.isOpen) await this.#session.opened();
    if (registered.status === 'rejected') throw registered.reason;
  }

  /** Commands that create the node and the session on it, if they are missing. */
  #begun(): [node: Promise<unknown>, session: Promise<unknown>] {
    const { registry } = this.#context;
    const { name: node, address } = this.#node;
    const ensured = registry.submit({ kind: 'register', namespace: this.#namespace, nodeMode: 'ensure', node: { name: node, address } });
    return [ensured, this.#session.begin({ name: this.#client, node, foreign: { stream: { tokenSha256: this.#claim.hash } } })];
  }

  /** Creates the node if it is missing; permission to register a service on it is enough. */
  #requirePermission(instances: readonly InstanceRegistration[]): void {
    const node = this.#node.name;
    const services = new Set(instances.map(({ service }) => service));
    // The replaced instance may belong to another client.
    for (const { id } of instances) services.add(findInstance(this.#context.registry.state, this.#namespace, node, id)?.service ?? '');
    services.delete('');
    for (const service of services) this.#access.require(this.#namespace, 'service', 'write', service);
  }

  async #remove(rows: readonly InstanceRow[]): Promise<void> {
    const { registry } = this.#context;
    await Promise.all(rows.map(({ node, id }) => registry.submit({ kind: 'deregister-instance', namespace: this.#namespace, node, id })));
  }

  async #drain(rows: readonly InstanceRow[]): Promise<void> {
    const { registry } = this.#context;
    await Promise.all(
      rows.map(({ namespace, node, id }) => registry.submit({ kind: 'instance-status', namespace, node, id, status: 'draining' })),
    );
  }

  /**
   * The instances of this session, all or those named, and those named that are persistent on its node and that its token
   * may write. Instances of other sessions are not touched.
   */
  #own(ids: readonly string[] | undefined): InstanceRow[] {
    const { state } = this.#context.registry;
    const held = [...instancesOfSession(state, this.#namespace, this.#id)];
    if (ids === undefined) return held;
    const wanted = new Set(ids);
    const own = held.filter(({ id }) => wanted.has(id));
    for (const id of wanted) {
      const row = findInstance(state, this.#namespace, this.#node.name, id);
      if (row?.persistent === true && this.#access.allows(this.#namespace, 'service', 'write', row.service)) own.push(row);
    }
    return own;
  }

  #checkRoom(instances: readonly InstanceRegistration[]): void {
    const limit = this.#context.limits.instancesPerStreamMax;
    const ids = new Set(this.#own(undefined).map(({ id }) => id));
    for (const { id } of instances) ids.add(id);
    if (ids.size > limit) {
      const message = `the session would have ${ids.size} instances, the limit is ${limit} per stream`;
      throw new RegistryError('resource_exhausted', message);
    }
  }
}
