/**
 * TTL checks: each has a lease that heartbeats renew. A heartbeat without a change costs a look-up
 * and a renewal; only a change goes through the log. A check whose lease expires turns critical, with
 * the text of Consul's agent (https://developer.hashicorp.com/consul/docs/register/health-check/vm#ttl-check).
 */

import type { CheckStatus } from '@rollcall/protocol';
import { findCheck, findInstance } from '../registry/kind/catalog/find.ts';
import { checkKey, instanceKey } from '../registry/kind/catalog/keys.ts';
import type { CheckRow } from '../registry/kind/catalog/rows.ts';
import type { Command } from '../registry/kinds.ts';
import type { Registry } from '../registry/registry.ts';
import { serviceName, type Census } from './census.ts';
import type { Expiry } from './expiry.ts';
import { Lease, type LeaseOptions } from './lease.ts';
import type { Ownership } from './ownership.ts';
import { machineOf } from './machine.ts';
import { Report, type Reports } from './reports.ts';
import type { Wheel } from './wheel.ts';

const expired = 'TTL expired';

class CheckLease extends Lease {
  readonly kind = 'check';
  readonly report: Report;
  /** Id of the instance; empty for a check of the node. */
  instance: string;
  /** Sent the last heartbeat, or registered it; absent while it is unknown. */
  principal: string | undefined = undefined;
  readonly #registry: Registry;

  constructor(options: LeaseOptions, registry: Registry, key: string, row: CheckRow) {
    super(options, key, ttlOf(row));
    this.#registry = registry;
    this.report = new Report(row);
    this.instance = row.instance;
  }

  begin(): void {
    this.renew();
  }

  /** Whether its expiry removes an instance from traffic; if not, it does not count as a loss. */
  vouches(): boolean {
    return this.report.rowStatus !== 'critical';
  }

  *instances(): Generator<string> {
    const { namespace, node, id } = this.report;
    yield this.instance === '' ? checkKey(namespace, node, id) : instanceKey(namespace, node, this.instance);
  }

  verdict(): Command | undefined {
    const { namespace, node, id, output, rowStatus } = this.report;
    if (rowStatus === 'critical' && output.startsWith(expired)) return undefined;
    const words = output === '' ? expired : `${expired} (last output before timeout follows): ${output}`;
    const judged = this.judged(this.#row()?.modified);
    return { kind: 'update-checks', updates: [{ namespace, node, id, status: 'critical', output: words, judged }] };
  }

  isOver(): boolean {
    const row = this.#row();
    return row?.type !== 'ttl' || row.status === 'critical';
  }

  #row(): CheckRow | undefined {
    const { namespace, node, id } = this.report;
    return findCheck(this.#registry.state, namespace, node, id);
  }
}

export interface HeartbeatsOptions {
  readonly registry: Registry;
  readonly census: Census;
  readonly wheel: Wheel;
  readonly expiry: Expiry;
  readonly ownership: () => Ownership;
  readonly reports: Reports;
}

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #leases = new Map<string, CheckLease>();

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  /** The report of a check by its record key. */
  report(key: string): Report | undefined {
    return this.#leases.get(key)?.report;
  }

  /**
   * Takes a heartbeat in. If another node watches the check, that one gets it as well.
   * @param key record key of the check
   * @param principal who sent it (`net/principal.ts`)
   * @param connection on which it came; undefined when that is not known
   * @returns true when that is all; a promise when something has to be committed; false when there
   *   is no such TTL check
   */
  beat(key: string, status: CheckStatus, output: string, principal: string, connection?: object): boolean | Promise<void> {
    const lease = this.#leases.get(key);
    if (lease === undefined) return false;
    if (!lease.owned) this.#options.ownership().stray({ key, status, output, principal, connection });
    const tooLate = lease.state === 'ending';
    lease.renew();
    if (lease.principal !== principal) this.#hear(lease, principal);
    // "Critical" is on its way to the log; only a commit after it corrects that.
    if (tooLate) return this.#options.reports.commit(lease.report, status, output);
    return this.#options.reports.tell(lease.report, status, output) ?? true;
  }

  /** Restarts a check's time. A check whose end has begun stays critical until the next heartbeat. */
  restart(key: string, principal: string): void {
    const lease = this.#leases.get(key);
    if (lease === undefined) return;
    if (!lease.owned) this.#options.ownership().stray({ key, status: '', output: '', principal, connection: undefined });
    if (lease.state !== 'ending') lease.renew();
    if (lease.principal !== principal) this.#hear(lease, principal);
  }

  /** Milliseconds since the last heartbeat of a check; undefined when its deadline does not run here. @param key record key of the check */
  renewedMsAgo(key: string): number | undefined {
    return this.#leases.get(key)?.renewedMsAgo;
  }

  /** Whether this node watches the check; undefined when there is no such TTL check. @param key record key of the check */
  owns(key: string): boolean | undefined {
    return this.#leases.get(key)?.owned;
  }

  /** Another node may watch the check from now on. @param key its record key */
  reown(key: string): void {
    this.#leases.get(key)?.reown();
  }

  /** The instance of a check now belongs to another service. @param key record key of the check */
  recount(key: string): void {
    const lease = this.#leases.get(key);
    if (lease?.stake !== undefined) this.#count(lease);
  }

  /** Follows a row of the log. */
  follow(key: string, row: CheckRow | undefined): void {
    const lease = this.#leases.get(key);
    if (row?.type !== 'ttl') {
      if (lease !== undefined) this.#drop(key, lease);
      return;
    }
    if (lease === undefined) this.#add(key, row);
    else this.#change(lease, row);
  }

  #add(key: string, row: CheckRow): void {
    const { wheel, expiry, registry, ownership } = this.#options;
    const lease = new CheckLease({ wheel, expiry, ownership }, registry, key, row);
    this.#leases.set(key, lease);
    this.#count(lease);
    lease.reown();
  }

  #change(lease: CheckLease, row: CheckRow): void {
    const before = lease.report.rowStatus;
    lease.reown();
    this.#options.reports.follow(lease.report, row);
    const vouched = lease.stake !== undefined;
    const moved = lease.instance !== row.instance;
    lease.instance = row.instance;
    const expiredElsewhere = vouched && !lease.owned && row.status === 'critical' && row.output.startsWith(expired);
    if (expiredElsewhere) this.#options.expiry.expiredElsewhere(lease);
    if (vouched !== lease.vouches() || moved) this.#count(lease);
    const ttlMs = ttlOf(row);
    // A check that vouches again must have a deadline.
    const revived = before !== row.status && row.status !== 'critical';
    if (ttlMs === lease.lengthMs && !revived) return;
    lease.lengthMs = ttlMs;
    lease.renew();
  }

  #drop(key: string, lease: CheckLease): void {
    lease.stop();
    this.#leases.delete(key);
    this.#options.reports.forget(lease.report);
    if (lease.stake !== undefined) this.#options.census.leave(lease.stake);
    lease.stake = undefined;
  }

  #hear(lease: CheckLease, principal: string): void {
    lease.principal = principal;
    if (lease.stake !== undefined) this.#count(lease);
  }

  /** Updates its place in the census. */
  #count(lease: CheckLease): void {
    const { census, registry } = this.#options;
    if (lease.stake !== undefined) census.leave(lease.stake);
    lease.stake = undefined;
    if (!lease.vouches()) return;
    const { namespace, node } = lease.report;
    const instance = findInstance(registry.state, namespace, node, lease.instance);
    const services = instance === undefined ? [] : [serviceName(instance)];
    lease.stake = census.enter({ node: machineOf(node, instance), services, principal: lease.principal });
    // One string for all checks of a principal, instead of one for each request.
    if (lease.principal !== undefined) lease.principal = lease.stake.principal.name;
  }
}

/** A front end refuses a TTL check without a time; a row without one never expires. */
function ttlOf(row: CheckRow): number {
  return row.definition.ttlMs ?? Infinity;
}
