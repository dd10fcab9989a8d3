/**
 * Counts the nodes and services that clients can use, for `/metrics` and the status page.
 *
 * A node is available while its own checks let its instances get traffic: none of them is critical. A service is
 * available while the effective status of at least one instance is passing.
 */

import { getsTraffic } from '@rollcall/protocol';
import { statuses, statusOfNode } from '../../registry/effective-status.ts';
import { buckets, find, namespaceNames } from '../../registry/reader.ts';
import type { State } from '../../registry/state.ts';

export interface Counts {
  readonly nodes: number;
  readonly nodesAvailable: number;
  readonly services: number;
  readonly servicesAvailable: number;
  readonly instances: number;
}

/** (available nodes + available services) / (nodes + services); 1 when there is nothing at all. */
export function availability(counts: Counts): number {
  const all = counts.nodes + counts.services;
  return all === 0 ? 1 : (counts.nodesAvailable + counts.servicesAvailable) / all;
}

/**
 * Counts again only when the registry has changed since the last call.
 *
 * It looks at each node, and at each service's instances up to the first that passes: O(nodes + services) while most
 * instances pass.
 */
export function countsOf(state: State): () => Counts {
  let revision = -1;
  let counts: Counts;
  return () => {
    if (state.revision !== revision) {
      counts = count(state);
      revision = state.revision;
    }
    return counts;
  };
}

function count(state: State): Counts {
  let nodesAvailable = 0;
  for (const { name } of find.nodes(state)) if (getsTraffic(statusOfNode(state, name))) nodesAvailable++;
  const statusOf = statuses(state);
  let servicesAvailable = 0;
  let instances = 0;
  for (const namespace of state.services.namespaces()) {
    for (const service of state.services.names(namespace)) {
      instances += state.services.instancesOf(namespace, service);
      for (const instance of find.instancesOfService(state, namespace, service)) {
        if (statusOf(instance) !== 'passing') continue;
        servicesAvailable++;
        break;
      }
    }
  }
  return {
    nodes: state.bucketSize(buckets.nodes()),
    nodesAvailable,
    services: state.services.size,
    servicesAvailable,
    instances,
  };
}

/** How many rows are in the buckets of that name, over all namespaces. */
export function countOf(state: State, bucketOf: (namespace: string) => string): number {
  let rows = 0;
  for (const namespace of namespaceNames(state)) rows += state.bucketSize(bucketOf(namespace));
  return rows;
}
