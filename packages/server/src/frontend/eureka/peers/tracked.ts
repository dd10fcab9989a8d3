/**
 * Which instances there are and what each of them means to replication. Follows the registry; looks at the rows of the one namespace that
 * Eureka's clients see. It sends nothing.
 *
 *   ours        registered here, by any protocol: told to the peers, with heartbeats while it lives
 *   replicated  a Eureka client of a peer: told by the peers, never sent back, but for what an operator says here
 */

import { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import { findCheck } from '../../../registry/kind/catalog/find.ts';
import { checkKey, instanceKey } from '../../../registry/kind/catalog/keys.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import type { State } from '../../../registry/state.ts';
import { isLapsed, nodeAddressOf } from '../instances.ts';
import { appOf, instanceIdOf, isOwn, leaseId, namespace } from '../names.ts';
import { infoOf, isReplicated, isUnknown, overrideMsOf, statusOf } from '../translate.ts';
import type { EurekaStatus, InstanceInfo } from '../wire/instance-info.ts';
import type { InstanceName } from './news.ts';

export interface Tracked {
  /** Record key of the instance. */
  readonly key: string;
  readonly name: InstanceName;
  readonly row: InstanceRow;
  readonly replicated: boolean;
  /** Its lease has lapsed: it is not told to peers, and its removal is an eviction. */
  readonly lapsed: boolean;
  readonly info: InstanceInfo;
  /** Its status without an override. */
  readonly ownStatus: EurekaStatus;
}

/** How an instance stands in a state. */
export function trackedOf(state: State, row: InstanceRow): Tracked {
  const statusIn = statuses(state);
  const { override: _override, ...own } = row;
  return {
    key: instanceKey(namespace, row.node, row.id),
    name: { app: appOf(row.service), id: instanceIdOf(row) },
    row,
    replicated: isReplicated(row),
    lapsed: isLapsed(state, row),
    info: infoOf(row, statusIn(row), nodeAddressOf(state, row)),
    ownStatus: statusOf(statusIn(own), isUnknown(row)),
  };
}

/** Record key of what decides which node of a store tells about the instance: the deadline of its lease, or else itself. */
export function ownerKey(row: InstanceRow): string {
  return isOwn(row) ? checkKey(namespace, '', leaseId(row.id)) : instanceKey(namespace, row.node, row.id);
}

/** The check that is the lease of a Eureka client's instance. */
export function leaseOf(state: State, row: InstanceRow): { readonly id: string; readonly ttlMs: number } | undefined {
  if (!isOwn(row)) return undefined;
  const id = leaseId(row.id);
  const ttlMs = findCheck(state, namespace, '', id)?.definition.ttlMs;
  return ttlMs === undefined ? undefined : { id, ttlMs };
}

/** Whether peers must be told that an instance has changed, its override aside: that is told as itself, and only if it was set here. */
export function differs(before: Tracked, after: Tracked): boolean {
  if (before.replicated !== after.replicated || before.lapsed !== after.lapsed) return true;
  return before.ownStatus !== after.ownStatus || shownText(before) !== shownText(after);
}

/** Whether an operator or a client here has set or cleared the override, and not a peer. */
export function overriddenHere(before: Tracked, after: Tracked): boolean {
  return before.row.override !== after.row.override && overrideMsOf(before.row) === overrideMsOf(after.row);
}

/** What others see of an instance, without the times that the registry keeps. */
function shownText({ info }: Tracked): string {
  const { leaseInfo, lastUpdatedTimestamp: _updated, actionType: _action, status: _status, overriddenStatus: _overridden, ...rest } = info;
  return JSON.stringify([rest, leaseInfo.durationInSecs, leaseInfo.renewalIntervalInSecs]);
}
