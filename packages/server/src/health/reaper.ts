/**
 * The reaper: deregisters an instance whose check has been critical for longer than it allows
 * (`deregisterCriticalAfterMs`; Consul's `DeregisterCriticalServiceAfter`). The time counts from when
 * this process saw the check turn critical: after its own start, and after a freeze, in full.
 */

import { findInstance } from '../registry/kind/catalog/find.ts';
import { instanceKey } from '../registry/kind/catalog/keys.ts';
import type { CheckRow } from '../registry/kind/catalog/rows.ts';
import type { Command } from '../registry/kinds.ts';
import type { Registry } from '../registry/registry.ts';
import { serviceName, type Census } from './census.ts';
import type { Expiry } from './expiry.ts';
import { Lease, type LeaseOptions } from './lease.ts';
import type { Ownership } from './ownership.ts';
import { machineOf } from './machine.ts';
import type { Wheel } from './wheel.ts';

/** The time limit of a critical check. It runs while the check is critical. */
class Removal extends Lease {
  readonly kind = 'removal';
  readonly namespace: string;
  readonly node: string;
  readonly instance: string;
  /** The principal that registered the check; absent while it is unknown. */
  principal: string | undefined = undefined;

  /** The check as the registry reported it last. */
  critical = false;

  readonly #registry: Registry;

  /** @param check its record key */
  constructor(options: LeaseOptions, registry: Registry, check: string, row: CheckRow, allowedMs: number) {
    super(options, check, allowedMs);
    this.#registry = registry;
    this.namespace = row.namespace;
    this.node = row.node;
    this.instance = row.instance;
  }

  begin(): void {
    if (!this.isOver()) this.renew();
  }

  *instances(): Generator<string> {
    yield instanceKey(this.namespace, this.node, this.instance);
  }

  verdict(): Command {
    const judged = this.judged(this.#row()?.modified);
    return { kind: 'deregister-instance', namespace: this.namespace, node: this.node, id: this.instance, judged };
  }

  isOver(): boolean {
    return this.#row()?.status !== 'critical';
  }

  #row(): CheckRow | undefined {
    return this.#registry.state.get(this.key) as CheckRow | undefined;
  }
}

export interface ReaperOptions {
  readonly registry: Registry;
  readonly census: Census;
  readonly wheel: Wheel;
  readonly expiry: Expiry;
  readonly ownership: () => Ownership;
}

export class Reaper {
  readonly #options: ReaperOptions;
  readonly #removals = new Map<string, Removal>();

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** Follows a row of the log. @param key its record key */
  follow(key: string, row: CheckRow | undefined): void {
    const allowedMs = row?.definition.deregisterCriticalAfterMs;
    let removal = this.#removals.get(key);
    if (row === undefined || row.instance === '' || allowedMs === undefined || allowedMs <= 0) {
      if (removal === undefined) return;
      // A critical check that goes elsewhere has, as a rule, gone with an instance that was removed for it.
      if (row === undefined && removal.critical && !removal.owned) this.#options.expiry.expiredElsewhere(removal);
      this.#drop(key, removal);
      return;
    }
    if (removal?.instance !== row.instance) {
      if (removal !== undefined) this.#drop(key, removal);
      const { wheel, expiry, registry, ownership } = this.#options;
      removal = new Removal({ wheel, expiry, ownership }, registry, key, row, allowedMs);
      this.#removals.set(key, removal);
      this.#count(removal);
    }
    const changed = removal.lengthMs !== allowedMs;
    removal.lengthMs = allowedMs;
    removal.critical = row.status === 'critical';
    removal.reown();
    if (row.status !== 'critical') removal.stop();
    else if (changed || removal.state === 'stopped') removal.renew();
  }

  /** The check was registered by this principal. @param key record key of the check */
  registered(key: string, principal: string): void {
    const removal = this.#removals.get(key);
    if (removal === undefined || removal.principal === principal) return;
    removal.principal = principal;
    this.#count(removal);
  }

  /** The instance of a check now belongs to another service. @param key record key of the check */
  recount(key: string): void {
    const removal = this.#removals.get(key);
    if (removal !== undefined) this.#count(removal);
  }

  /** Another node may watch the check from now on. @param key its record key */
  reown(key: string): void {
    this.#removals.get(key)?.reown();
  }

  #count(removal: Removal): void {
    const { census, registry } = this.#options;
    const { namespace, node, instance, principal, stake } = removal;
    if (stake !== undefined) census.leave(stake);
    const row = findInstance(registry.state, namespace, node, instance);
    removal.stake = census.enter({ node: machineOf(node, row), services: row === undefined ? [] : [serviceName(row)], principal });
  }

  #drop(key: string, removal: Removal): void {
    removal.stop();
    this.#removals.delete(key);
    if (removal.stake !== undefined) this.#options.census.leave(removal.stake);
    removal.stake = undefined;
  }

  /** Restarts the time of all critical checks. */
  restart(): void {
    for (const removal of this.#removals.values()) if (removal.state !== 'stopped') removal.renew();
  }
}
