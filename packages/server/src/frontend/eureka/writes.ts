/**
 * Registrations, heartbeats, removals, statuses and metadata. A command is decided on the row that was read: it names the row's
 * revision, and is decided again when another write was faster.
 */

import { RegistryError } from '@rollcall/protocol';
import { BareObject } from '../../net/bare-object.ts';
import type { Context } from '../../net/frontend.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { findInstance } from '../../registry/kind/catalog/find.ts';
import { instanceKey } from '../../registry/kind/catalog/keys.ts';
import type { InstanceStatus, Register } from '../../registry/kind/catalog/commands.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import type { Txn } from '../../registry/kinds.ts';
import type { Instances } from './instances.ts';
import { isLapsed, nodeAddressOf } from './instances.ts';
import { appOf, isOwn, leaseId, namespace, rowId, serviceOf } from './names.ts';
import { registeredStatus } from './status-rules.ts';
import { administrativeOf, dirtyMsOf, infoOf, inputOf, isReplicated, isUnknown, movedInput, overrideMsOf, registration, statusOf, type LeaseRule, type Origin } from './translate.ts';
import type { EurekaStatus, InstanceInfo } from './wire/instance-info.ts';
import { assertMetadata } from './wire/read-instance.ts';

/** Who writes. */
export interface Writer {
  /** Vouches for instances (`net/principal.ts`). */
  readonly principal: string;
  /** Whether another Eureka server passes on what it was told. */
  readonly replicated: boolean;
  /** The connection of heartbeats; only its identity counts. */
  readonly connection?: object;
  /** @throws RegistryError `permission_denied` */
  readonly authorize: (service: string) => void;
}

export type Renewal =
  /** The client must register again. */
  | 'unknown'
  | 'renewed'
  /** Another server has an older record than this one; it gets this one. */
  | { readonly newer: InstanceInfo };

/** Each loss means that another write of the same instance was faster. */
const triesMax = 16;

export class Writes {
  readonly #context: Context;
  readonly #instances: Instances;
  readonly #rule: LeaseRule;
  readonly #caughtUp: () => Promise<void> | undefined;
  /** Told when a client deregisters an instance that it had registered at another Eureka server. */
  cancelledHere: (name: { readonly app: string; readonly id: string }) => void = () => {};

  /** @param caughtUp resolves when this node has everything that was committed before; undefined when it has */
  constructor(context: Context, parts: { readonly instances: Instances; readonly rule: LeaseRule; readonly caughtUp: () => Promise<void> | undefined }) {
    this.#context = context;
    this.#instances = parts.instances;
    this.#rule = parts.rule;
    this.#caughtUp = parts.caughtUp;
  }

  /**
   * Registers an instance, as the rules for statuses and older records say.
   * @throws RegistryError as `Registry.submit`
   */
  async register(info: InstanceInfo, writer: Writer): Promise<void> {
    const { registry, health } = this.#context;
    const service = serviceOf(info.app);
    const id = rowId(service, info.instanceId);
    writer.authorize(service);
    await this.#decide(() => {
      const before = findInstance(registry.state, namespace, '', id);
      // An id of another protocol that is the same: its registrant must not lose it to a caller without rights on it.
      if (before !== undefined && before.service !== service) writer.authorize(before.service);
      const shown = before !== undefined && isOwn(before) && !isLapsed(registry.state, before) ? before : undefined;
      if (shown !== undefined && (dirtyMsOf(shown) ?? 0) > info.lastDirtyTimestamp && info.lastDirtyTimestamp > 0) return undefined;
      const status = registeredStatus(info.status, {
        before: shown && this.#statusOf(shown),
        overridden: before?.override !== undefined,
        replicated: writer.replicated,
      });
      const { replicated } = writer;
      const isOverridden = info.overriddenStatus !== 'UNKNOWN' && before?.override === undefined;
      const overrideMs = replicated ? (isOverridden ? this.#context.clock.now() : before && overrideMsOf(before)) : undefined;
      const operations: Txn['operations'][number][] = [requiring(id, before, registration(info, status, this.#rule, { replicated, overrideMs }))];
      if (isOverridden) {
        operations.push({ change: { kind: 'instance-status', namespace, node: '', id, override: administrativeOf(info.overriddenStatus) } });
      }
      return operations;
    });
    health.restart(namespace, '', leaseId(id), writer.principal);
  }

  /** A heartbeat. A promise only when something must be committed, or looked for in the store. */
  renew(app: string, id: string, dirtyMs: number | undefined, writer: Writer): Renewal | Promise<Renewal> {
    writer.authorize(serviceOf(app));
    const row = this.#instances.own(app, id);
    if (row !== undefined) return this.#renew(row, dirtyMs, writer);
    // Another node may have taken the registration; a 404 would make the client register again for nothing.
    const again = (): Renewal | Promise<Renewal> => {
      const now = this.#instances.own(app, id);
      return now === undefined ? 'unknown' : this.#renew(now, dirtyMs, writer);
    };
    const behind = this.#caughtUp();
    return behind === undefined ? 'unknown' : behind.then(again);
  }

  #renew(row: InstanceRow, dirtyMs: number | undefined, { principal, replicated, connection }: Writer): Renewal | Promise<Renewal> {
    if (isUnknown(row)) return 'unknown';
    const taken = this.#context.health.beat(namespace, '', leaseId(row.id), 'passing', '', principal, connection);
    if (taken === false) return 'unknown';
    const renewal = (): Renewal | Promise<Renewal> => {
      const own = dirtyMsOf(row) ?? row.changedMs ?? row.registeredMs;
      if (dirtyMs !== undefined && dirtyMs > own) return 'unknown';
      if (dirtyMs !== undefined && dirtyMs < own && replicated) return { newer: this.infoOf(row) };
      return isReplicated(row) === replicated ? 'renewed' : this.#move(row, replicated).then(() => 'renewed');
    };
    return taken === true ? renewal() : taken.then((known) => (known ? renewal() : 'unknown'));
  }

  /** The client of an instance has gone from this server to another one, or has come from there: one write for each such move. */
  #move({ id }: InstanceRow, replicated: boolean): Promise<void> {
    return this.#decide(() => {
      const row = findInstance(this.#context.registry.state, namespace, '', id);
      if (row === undefined || !isOwn(row) || isReplicated(row) === replicated) return undefined;
      return [requiring(id, row, moved(row, { replicated, overrideMs: overrideMsOf(row) }))];
    });
  }

  /** @returns whether there was such an instance */
  async cancel(app: string, id: string, writer: Writer): Promise<boolean> {
    const row = await this.#found(app, id, writer);
    if (row === undefined) return false;
    const existed = await this.#context.registry.submit({ kind: 'deregister-instance', namespace, node: row.node, id: row.id });
    if (existed && isReplicated(row) && !writer.replicated) this.cancelledHere({ app: appOf(app), id });
    return existed;
  }

  /** Sets the override; `UNKNOWN` ends it. */
  async setStatus(app: string, id: string, status: EurekaStatus, writer: Writer): Promise<boolean> {
    const row = await this.#found(app, id, writer);
    if (row === undefined) return false;
    this.#keepAlive(row, writer);
    // What it is already is no override (`AbstractInstanceRegistry.statusUpdate`).
    if (this.#statusOf(row) === status) return true;
    return this.#administer(row, { override: status === 'UNKNOWN' ? null : administrativeOf(status) }, writer);
  }

  /** Ends the override. @param status what the instance is from now on; absent: what it said last */
  async clearStatus(app: string, id: string, status: EurekaStatus | undefined, writer: Writer): Promise<boolean> {
    const row = await this.#found(app, id, writer);
    if (row === undefined) return false;
    this.#keepAlive(row, writer);
    if (row.override === undefined) return true;
    const says = status === undefined || status === 'UNKNOWN' ? {} : { status: administrativeOf(status) };
    return this.#administer(row, { override: null, ...says }, writer);
  }

  /**
   * Writes an override. One that another Eureka server has sent is marked as such on the instance of a Eureka client, so that no node
   * sends it back; an instance of another protocol has no place for the mark, and the other server gets back what it has.
   */
  async #administer({ node, id }: InstanceRow, said: Pick<InstanceStatus, 'override' | 'status'>, { replicated }: Writer): Promise<boolean> {
    const { registry, clock } = this.#context;
    const change: InstanceStatus = { kind: 'instance-status', namespace, node, id, ...said };
    if (!replicated) return registry.submit(change);
    let exists = true;
    await this.#decide(() => {
      const row = findInstance(registry.state, namespace, node, id);
      exists = row !== undefined;
      if (row === undefined) return undefined;
      const mark = isOwn(row) ? [requiring(id, row, moved(row, { replicated: isReplicated(row), overrideMs: Math.max(clock.now(), (overrideMsOf(row) ?? 0) + 1) }))] : [];
      return [...mark, { change }];
    });
    return exists;
  }

  /**
   * Adds entries to the metadata.
   * @throws InstanceError when there is too much of it
   */
  async setMetadata(app: string, id: string, pairs: readonly (readonly [string, string])[], writer: Writer): Promise<boolean> {
    let exists = true;
    await this.#found(app, id, writer);
    await this.#decide(() => {
      const row = this.#instances.shown(app, id);
      exists = row !== undefined;
      if (row === undefined) return undefined;
      const meta: Record<string, string> = Object.assign(new BareObject() as Record<string, string>, row.meta);
      assertMetadata(pairs, meta);
      const { node } = row;
      const command: Register = { kind: 'register', namespace, node: { name: node, address: '' }, nodeMode: node === '' ? 'none' : 'exists', instances: [inputOf(row, meta)] };
      return [requiring(row.id, row, command)];
    });
    return exists;
  }

  infoOf(row: InstanceRow): InstanceInfo {
    const { state } = this.#context.registry;
    return infoOf(row, statuses(state)(row), nodeAddressOf(state, row));
  }

  #statusOf(row: InstanceRow): EurekaStatus {
    return statusOf(statuses(this.#context.registry.state)(row), isUnknown(row));
  }

  /** The instance as the client names it, when the caller may write its service. */
  async #found(app: string, id: string, writer: Writer): Promise<InstanceRow | undefined> {
    writer.authorize(serviceOf(app));
    let row = this.#instances.shown(app, id);
    if (row === undefined) {
      await this.#caughtUp();
      row = this.#instances.shown(app, id);
    }
    if (row !== undefined && row.service !== serviceOf(app)) writer.authorize(row.service);
    return row;
  }

  /** A word about an instance renews its lease, as in Eureka. */
  #keepAlive(row: InstanceRow, { principal }: Writer): void {
    if (isOwn(row)) this.#context.health.restart(namespace, '', leaseId(row.id), principal);
  }

  /** @param decide on the state as it is; undefined when there is nothing to do */
  async #decide(decide: () => Txn['operations'] | undefined): Promise<void> {
    for (let tried = 0; tried < triesMax; tried++) {
      const operations = decide();
      if (operations === undefined) return;
      const result = await this.#context.registry.submit({ kind: 'txn', operations });
      if (!('failures' in result)) return;
      const refused = result.failures.find(({ error }) => error !== undefined)?.error;
      if (refused !== undefined) throw refused;
    }
    throw new RegistryError('aborted', `the instance was written by others ${triesMax} times meanwhile; try again`);
  }
}

function moved(row: InstanceRow, origin: Origin): Register {
  return { kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none', instances: [movedInput(row, origin)] };
}

/** A change that happens only if the instance is as it was read. */
function requiring(id: string, before: InstanceRow | undefined, change: Register): Txn['operations'][number] {
  return { require: { key: instanceKey(namespace, before?.node ?? '', id), revision: before?.modified ?? 0 }, change };
}
