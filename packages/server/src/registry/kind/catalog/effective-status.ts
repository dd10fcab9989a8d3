/**
 * The effective status of an instance: one word that sums up its checks and those of its node. Computed
 * here only; every front end asks this file whether an instance gets traffic, and with which weight.
 *
 * Pure. It knows nothing of protocols: how each of them spells a status is the business of its front end.
 */

import { worseStatus, type InstanceStatus } from '@rollcall/protocol';
import { isMaintenance } from './known-checks.ts';
import { find, type Reader } from '../../reader.ts';
import type { CheckRow, InstanceRow } from '../../rows.ts';

/** What one check says of the instance, or of all instances of the node, that it belongs to. */
export function statusOfCheck({ id, type, status }: Pick<CheckRow, 'id' | 'type' | 'status'>): InstanceStatus {
  if (status === 'passing') return 'passing';
  if (isMaintenance(id)) return 'maintenance';
  return type === 'drain' ? 'draining' : status;
}

/**
 * The worst of what several checks say; passing when there are none.
 *
 * @param start a status that counts as well, that of the node for example
 */
export function statusOfChecks(
  checks: Iterable<Pick<CheckRow, 'id' | 'type' | 'status'>>,
  start: InstanceStatus = 'passing',
): InstanceStatus {
  let worst = start;
  for (const check of checks) worst = worseStatus(worst, statusOfCheck(check));
  return worst;
}

/** Of a node: the worst of its own checks. Every instance on it is at least as bad. */
export function statusOfNode(reader: Reader, node: string): InstanceStatus {
  return statusOfChecks(find.checksOfNode(reader, node));
}

/** The effective status of one instance. */
export function statusOfInstance(reader: Reader, { namespace, node, id }: Pick<InstanceRow, 'namespace' | 'node' | 'id'>): InstanceStatus {
  return statusOfChecks(find.checksOfInstance(reader, namespace, node, id), statusOfNode(reader, node));
}

/**
 * The same for many instances: looks at each node once. Make it anew for each reading: it remembers what the nodes'
 * checks said.
 */
export function statuses(reader: Reader): (instance: Pick<InstanceRow, 'namespace' | 'node' | 'id'>) => InstanceStatus {
  const nodes = new Map<string, InstanceStatus>();
  return ({ namespace, node, id }) => {
    let ofNode = nodes.get(node);
    if (ofNode === undefined) {
      ofNode = statusOfNode(reader, node);
      nodes.set(node, ofNode);
    }
    return statusOfChecks(find.checksOfInstance(reader, namespace, node, id), ofNode);
  };
}

/**
 * The share of traffic of an instance relative to others of its service, 0 or more. For a status that gets no
 * traffic: the share that it would have, since a client without a better choice may still use it.
 */
export function weightOf({ weights }: Pick<InstanceRow, 'weights'>, status: InstanceStatus): number {
  return status === 'warning' ? weights.warning : weights.passing;
}
