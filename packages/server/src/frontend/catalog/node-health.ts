/** The nodes, as the list of their health shows them: with the instances of one namespace that the caller may read, and all their checks. */

import type { NodeHealth } from '@rollcall/protocol';
import { countsOf, type Listing } from '../../net/health-list.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { statusOfNode } from '../../registry/kind/catalog/effective-status.ts';
import { allNodes, checksOfInstance, checksOfNode, instancesOnNode } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { nodeView } from '../../registry/kind/catalog/views.ts';
import type { Authorizer } from '../../security/authorizer.ts';

/** Microseconds, about. */
const unitsPerInstance = 2;
const unitsPerStatus = 1;

export function nodesIn(frozen: Frozen, authorizer: Authorizer, namespace: string, pace: Pace): Listing<NodeRow> {
  const isShared = authorizer.allowsAll(namespace, 'service', 'read');
  return {
    ...{ namespace, authorizer, list: 'nodes', resource: 'node', isShared },
    // Sorted, since the bucket has the order of registration.
    things: [...allNodes(frozen)].sort((a, b) => (a.name < b.name ? -1 : 1)),
    nameOf: ({ name }) => name,
    viewOf: (name) => nodeView(namespace, name),
    *entry({ name, address, meta }): Work<Omit<NodeHealth, 'can'>> {
      const checks = { passing: 0, warning: 0, critical: 0 };
      for (const { status } of checksOfNode(frozen, name)) checks[status]++;
      const rows: InstanceRow[] = [];
      for (const row of [...instancesOnNode(frozen, namespace, name)]) {
        if (pace.spend(unitsPerInstance)) yield;
        if (!isShared && !authorizer.allows(namespace, 'service', 'read', row.service)) continue;
        rows.push(row);
        for (const { status } of checksOfInstance(frozen, namespace, name, row.id)) checks[status]++;
      }
      return { node: name, address, meta, status: statusOfNode(frozen, name), ...(yield* countsOf(frozen, rows, pace, unitsPerStatus)), checks };
    },
  };
}
