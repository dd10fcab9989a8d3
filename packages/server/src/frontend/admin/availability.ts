/**
 * Counts the nodes and services that clients can use, in all and in each namespace, for `/metrics` and the status page.
 *
 * A node is available while its own checks let its instances get traffic: none of them is critical. A service is
 * available while the effective status of at least one instance is passing.
 */

import { getsTraffic } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import { statuses, statusOfNode } from '../../registry/kind/catalog/effective-status.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { allNodes, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { catalogBuckets } from '../../registry/kind/catalog/keys.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import type { State } from '../../registry/state.ts';

export interface ServiceCounts {
  readonly services: number;
  readonly servicesAvailable: number;
  readonly instances: number;
}

export interface NamespaceCounts extends ServiceCounts {
  /** Empty for the namespaces that are counted together. */
  readonly namespace: string;
}

export interface Counts extends ServiceCounts {
  readonly nodes: number;
  readonly nodesAvailable: number;
  /** Namespaces with an instance: at most `namespacesMax`, the largest first, and the others as one. */
  readonly byNamespace: readonly NamespaceCounts[];
}

/** Each namespace is a time series, which Prometheus keeps for long. */
export const namespacesMax = 100;

/** (available nodes + available services) / (nodes + services); 1 when there is nothing at all. */
export function availability(counts: Counts): number {
  const all = counts.nodes + counts.services;
  return all === 0 ? 1 : (counts.nodesAvailable + counts.servicesAvailable) / all;
}

/**
 * Counts when the registry has changed since the last call; simultaneous calls share one count.
 *
 * It looks at each node, and at each service's instances up to the first that passes: O(nodes + services) while most
 * instances pass, in slices. A change in the meantime may be counted or not.
 */
export function countsOf(state: State): () => Promise<Counts> {
  let revision = -1;
  let counted: Counts | undefined;
  let counting: Promise<Counts> | undefined;
  const count = async (): Promise<Counts> => {
    const at = state.revision;
    counted = await inTurns(counts(state));
    revision = at;
    counting = undefined;
    return counted;
  };
  return () => {
    if (counted !== undefined && state.revision === revision) return Promise.resolve(counted);
    return (counting ??= count());
  };
}

function* counts(state: State): Generator<void, Counts, undefined> {
  let nodesAvailable = 0;
  for (const { name } of allNodes(state)) {
    if (getsTraffic(statusOfNode(state, name))) nodesAvailable++;
    yield;
  }
  const statusOf = statuses(state);
  const namespaces: NamespaceCounts[] = [];
  for (const namespace of [...servicesOf(state).namespaces()]) {
    const all = { services: 0, servicesAvailable: 0, instances: 0 };
    for (const service of [...servicesOf(state).names(namespace)]) {
      all.services++;
      all.instances += servicesOf(state).instancesOf(namespace, service);
      for (const instance of instancesOfService(state, namespace, service)) {
        yield;
        if (statusOf(instance) !== 'passing') continue;
        all.servicesAvailable++;
        break;
      }
    }
    namespaces.push({ namespace, ...all });
  }
  return {
    nodes: state.bucketSize(catalogBuckets.nodes()),
    nodesAvailable,
    ...sumOf(namespaces),
    byNamespace: largestOf(namespaces),
  };
}

function largestOf(namespaces: readonly NamespaceCounts[]): NamespaceCounts[] {
  const sorted = namespaces.toSorted((a, b) => b.instances - a.instances || (a.namespace < b.namespace ? -1 : 1));
  const rest = sorted.slice(namespacesMax);
  return rest.length === 0 ? sorted : [...sorted.slice(0, namespacesMax), { namespace: '', ...sumOf(rest) }];
}

function sumOf(namespaces: readonly ServiceCounts[]): ServiceCounts {
  const sum = { services: 0, servicesAvailable: 0, instances: 0 };
  for (const { services, servicesAvailable, instances } of namespaces) {
    sum.services += services;
    sum.servicesAvailable += servicesAvailable;
    sum.instances += instances;
  }
  return sum;
}

/** Rows in a bucket of each namespace, all together. */
export function countOf(state: State, bucketOf: (namespace: string) => string): number {
  let rows = 0;
  for (const namespace of namespaceNames(state)) rows += state.bucketSize(bucketOf(namespace));
  return rows;
}
