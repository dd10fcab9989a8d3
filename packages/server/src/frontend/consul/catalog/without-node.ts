/**
 * Instances of protocols that have no nodes, such as Eureka's and Nacos', belong to no agent. Their ids are unique in the namespace, so
 * requests may name one on any agent, or on the placeholder node that lists show. Lists of an agent leave them out, and their checks follow their
 * own protocol.
 */

import { findInstance } from '../../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import type { Reader } from '../../../registry/reader.ts';
import type { OnAgent } from '../request/virtual-agent.ts';
import { standInNode } from './catalog-json.ts';

/** The instance of the agent, else the one without a node that has the id. */
export function findOnAgent(state: Reader, { namespace, node, id }: OnAgent): InstanceRow | undefined {
  return findInstance(state, namespace, node, id) ?? findInstance(state, namespace, '', id);
}

/** Where that instance is; the agent if there is none. */
export function placeOnAgent(state: Reader, named: OnAgent): OnAgent {
  return { ...named, node: findOnAgent(state, named)?.node ?? named.node };
}

/** The node of an instance that a request names by the node that lists show with it: empty for a placeholder. */
export function nodeAsShown(state: Reader, { namespace, node, id }: OnAgent): string {
  if (findInstance(state, namespace, node, id) !== undefined) return node;
  const row = findInstance(state, namespace, '', id);
  return row !== undefined && standInNode(row).name === node ? '' : node;
}
