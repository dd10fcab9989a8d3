/** Record keys, buckets and heads of the catalog. */

export const nodeKey = (name: string) => `node\0${name}`;
export const serviceKey = (namespace: string, name: string) => `service\0${namespace}\0${name}`;
export const instanceKey = (namespace: string, node: string, id: string) => `instance\0${namespace}\0${node}\0${id}`;
export const checkKey = (namespace: string, node: string, id: string) => `check\0${namespace}\0${node}\0${id}`;

export const departureKey = (namespace: string, service: string, node: string, id: string) => `departure\0${namespace}\0${service}\0${node}\0${id}`;
export const departuresKeptKey = (namespace: string) => `departures-kept\0${namespace}`;

export const catalogBuckets = {
  nodes: () => 'nodes',
  /** Rows of other rooms that are removed with the node. */
  boundToNode: (node: string) => `with-node\0${node}`,
  /** Rows of other rooms that are the instance in other words: their holder ends with it. */
  boundToInstance: (namespace: string, node: string, instance: string) => `with-instance\0${namespace}\0${node}\0${instance}`,
  /** At most one node. @param id a UUID in lower case */
  nodeWithId: (id: string) => `node-id\0${id}`,
  serviceRecords: (namespace: string) => `service-records\0${namespace}`,
  instancesOfService: (namespace: string, service: string) => `service\0${namespace}\0${service}`,
  instancesOnNode: (namespace: string, node: string) => `on\0${namespace}\0${node}`,
  departures: (namespace: string) => `departures\0${namespace}`,
  checks: (namespace: string) => `checks\0${namespace}`,
  checksOnNode: (namespace: string, node: string) => `checks-on\0${namespace}\0${node}`,
  /** Checks of the node itself are those of the empty instance in `default`. */
  checksOfInstance: (namespace: string, node: string, instance: string) => `checks-of\0${namespace}\0${node}\0${instance}`,
} as const;

/** Head of the instances, checks and sessions on the node, in every namespace, and of which sessions a check ends. */
export const nodeHead = (node: string) => `node\0${node}`;

/**
 * Head of the checks of an instance that has no node, and of sessions with such a check, of which there are none. One
 * head for all of them would set every registration against every other.
 * @param id of the instance, or of the check
 */
export const withoutNodeHead = (namespace: string, id: string) => `without-node\0${namespace}\0${id}`;

/** Head of the node with an id. */
export const nodeIdHead = (id: string) => `node-id\0${id}`;
