/**
 * How much of what is registered can be used: the counts behind `/metrics` and the status page.
 *
 * A node is available while none of its own checks is critical. A service is available while at
 * least one of its instances is passing: all checks of the instance and of its node pass.
 */

import { buckets, find } from '../../registry/reader.ts';
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
 * Counts anew only when the registry has changed since the last call.
 *
 * One pass over the checks, then each service's instances up to the first that passes: O(checks +
 * services) while most instances pass.
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
  const critical = new Set<string>();
  /** Nodes, and instances as `node NUL id`, that have a check which does not pass. */
  const failing = new Set<string>();
  for (const check of find.checks(state)) {
    if (check.status === 'passing') continue;
    failing.add(check.instance === '' ? check.node : `${check.node}\0${check.instance}`);
    if (check.instance === '' && check.status === 'critical') critical.add(check.node);
  }
  let servicesAvailable = 0;
  let instances = 0;
  for (const service of state.services.names()) {
    instances += state.bucketSize(buckets.instancesOfService(service));
    for (const { node, id } of find.instancesOfService(state, service)) {
      if (failing.has(node) || failing.has(`${node}\0${id}`)) continue;
      servicesAvailable++;
      break;
    }
  }
  const nodes = state.bucketSize(buckets.all('node'));
  return {
    nodes,
    nodesAvailable: nodes - critical.size,
    services: state.services.size,
    servicesAvailable,
    instances,
  };
}
