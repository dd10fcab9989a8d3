/**
 * The effective status of an instance: one word that sums up the status that the instance reports, the operator's override, its
 * checks, and the checks of its node. The worst of them counts. It is computed here only; every front end asks this file
 * whether an instance gets traffic, and with which weight.
 *
 * Pure. It knows nothing of protocols: each front end spells a status in its own words.
 */

import { getsTraffic, worseStatus, type AdministrativeStatus, type InstanceStatus } from '@rollcall/protocol';
import type { Reader } from '../../reader.ts';
import type { Lookup } from '../../room.ts';
import { checksOfInstance, checksOfNode, findService, instancesOfService } from './find.ts';
import { isMaintenance } from './known-checks.ts';
import type { CheckRow, InstanceRow } from './rows.ts';

type Check = Pick<CheckRow, 'id' | 'type' | 'status'>;
type Administered = Pick<InstanceRow, 'status' | 'override' | 'enabled'>;

const effectOf: Readonly<Record<AdministrativeStatus, InstanceStatus>> = {
  up: 'passing',
  starting: 'starting',
  draining: 'draining',
  out_of_service: 'maintenance',
  down: 'critical',
};

/**
 * The administrative status of the instance with the operator's override, without checks. The override replaces `up` and
 * `out_of_service`. It does not replace `starting`, `draining` and `down`: no operator can make such an instance serve. The
 * rules of Eureka are the same (`DownOrStartingRule` before `OverrideExistsRule`).
 */
export function administrativeStatusOf({ status = 'up', override, enabled }: Administered): InstanceStatus {
  if (enabled === false) return 'maintenance';
  const own = effectOf[status];
  if (override === undefined) return own;
  const ordered = effectOf[override];
  return status === 'up' || status === 'out_of_service' ? ordered : worseStatus(own, ordered);
}

/** The effect of one check on its instance, or on all instances of its node. */
export function statusOfCheck({ id, type, status }: Check): InstanceStatus {
  // The administrative check repeats the row of the instance.
  if (status === 'passing' || type === 'status') return 'passing';
  return isMaintenance(id) ? 'maintenance' : status;
}

/**
 * The worst effect of several checks; passing when there are none.
 *
 * @param start a status that counts as well
 */
export function statusOfChecks(checks: Iterable<Check>, start: InstanceStatus = 'passing'): InstanceStatus {
  let worst = start;
  for (const check of checks) {
    // Nearly all checks pass, and lists of many thousand are summed up for one answer.
    if (check.status !== 'passing') worst = worseStatus(worst, statusOfCheck(check));
  }
  return worst;
}

/** Of a node: the worst of its own checks. Every instance on it is at least as bad. */
export function statusOfNode(reader: Lookup, node: string): InstanceStatus {
  return node === '' ? 'passing' : statusOfChecks(checksOfNode(reader, node));
}

/** For a reader that has the checks at hand already. @param checks those of the instance and of its node that count */
export function statusWith(instance: Administered, checks: Iterable<Check>): InstanceStatus {
  return statusOfChecks(checks, administrativeStatusOf(instance));
}

/**
 * The effective status of instances. It looks at each node once and remembers the status of the node: create a new one for each
 * reading.
 */
export function statuses(reader: Lookup): (instance: Administered & Pick<InstanceRow, 'namespace' | 'node' | 'id'>) => InstanceStatus {
  const nodes = new Map<string, InstanceStatus>();
  return (instance) => {
    const { namespace, node, id } = instance;
    let ofNode = nodes.get(node);
    if (ofNode === undefined) {
      ofNode = statusOfNode(reader, node);
      nodes.set(node, ofNode);
    }
    const start = worseStatus(ofNode, administrativeStatusOf(instance));
    return statusOfChecks(checksOfInstance(reader, namespace, node, id), start);
  };
}

/**
 * The effective status of the instances of one service, as callers choose among them. When the service has a protect threshold and
 * no larger share of its instances is healthy, those that only their checks make critical count as passing: the few healthy
 * ones would not carry the load, or the checks are wrong. So does Nacos (`ServiceUtil.selectInstancesWithHealthyProtection`).
 * Instances that they themselves or an operator keep from traffic neither count nor change.
 *
 * Yields after each instance that it counts. Without a threshold it looks at none.
 */
export function* protectedStatuses(reader: Reader, namespace: string, service: string): Generator<undefined, ReturnType<typeof statuses>, undefined> {
  const statusOf = statuses(reader);
  const threshold = findService(reader, namespace, service)?.protectThreshold ?? 0;
  if (threshold === 0) return statusOf;
  let counted = 0;
  let healthy = 0;
  // A copy, since the caller may change the state between two steps.
  for (const instance of [...instancesOfService(reader, namespace, service)]) {
    const status = statusOf(instance);
    if (status !== 'maintenance' && administrativeStatusOf(instance) === 'passing') counted++;
    if (getsTraffic(status)) healthy++;
    yield;
  }
  if (healthy > threshold * counted) return statusOf;
  return (instance) => {
    const status = statusOf(instance);
    return status === 'critical' && administrativeStatusOf(instance) === 'passing' ? 'passing' : status;
  };
}

/** A weight for protocols that know whole numbers only: a share above 0 stays above 0. */
export function wholeWeight(weight: number): number {
  return weight > 0 ? Math.max(1, Math.round(weight)) : 0;
}

/**
 * The share of traffic of an instance, that of an operator if there is one, relative to others of its service, 0 or more. For a status that gets no
 * traffic: the share that it would have, since a client without a better choice may still use it.
 */
export function weightOf({ weight, warningWeight = weight, weightOverride }: Pick<InstanceRow, 'weight' | 'warningWeight' | 'weightOverride'>, status: InstanceStatus): number {
  return weightOverride ?? (status === 'warning' ? warningWeight : weight);
}
