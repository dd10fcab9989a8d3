/**
 * Names of views. A view is an answer that can be watched; its revision rises only when its own
 * content changes.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `services <namespace>` | service names with their tags | its marker's |
 * | `service <namespace> <name>` | instances with their nodes and checks | that of its newest row or its marker |
 * | `service-record <namespace> <name>` | what the service has besides its instances | that of its row or its marker |
 * | `service-records <namespace>` | the same of all services | that of its newest row or its marker |
 * | `nodes` | all nodes | that of its newest row or its marker |
 * | `node <namespace> <name>` | a node, its own checks, and its instances in the namespace with their checks | that of its newest row or its marker |
 * | `checks <namespace>` | all checks, with the service and tags of their instances | that of its newest row or its marker |
 * | `catalog` | all nodes, instances and checks of every namespace | the newest of those above |
 * | `sessions <namespace>` | all sessions | that of its newest row or its marker |
 * | `session <namespace> <id>` | one session | the row's, else that of `sessions` |
 * | `records <namespace> <type>` | all generic records of a type | that of its newest row or its marker |
 * | `record <namespace> <type> <id>` | one generic record | the row's, else that of `records` |
 * | `key <namespace> <key>` | one KV key | the row's, else the tombstone's |
 * | `prefix <namespace> <prefix>` | the KV keys under a prefix | the newest row's or tombstone's below it |
 * | `node '' <name>` | the part that all views of a node share: the node and its own checks | that of its newest row or its marker |
 * | `namespaces` | all namespaces | that of its newest row or its marker |
 */

export const viewOf = {
  namespaces: () => 'namespaces',
  services: (namespace: string) => `services\0${namespace}`,
  service: (namespace: string, name: string) => `service\0${namespace}\0${name}`,
  serviceRecord: (namespace: string, name: string) => `service-record\0${namespace}\0${name}`,
  serviceRecords: (namespace: string) => `service-records\0${namespace}`,
  nodes: () => 'nodes',
  /** What every `node` view of a node shows. A part of those; not watched by itself. */
  sharedNode: (name: string) => `node\0\0${name}`,
  node: (namespace: string, name: string) => `node\0${namespace}\0${name}`,
  checks: (namespace: string) => `checks\0${namespace}`,
  catalog: () => 'catalog',
  sessions: (namespace: string) => `sessions\0${namespace}`,
  session: (namespace: string, id: string) => `session\0${namespace}\0${id}`,
  records: (namespace: string, type: string) => `records\0${namespace}\0${type}`,
  record: (namespace: string, type: string, id: string) => `record\0${namespace}\0${type}\0${id}`,
  key: (namespace: string, key: string) => `key\0${namespace}\0${key}`,
  prefix: (namespace: string, prefix: string) => `prefix\0${namespace}\0${prefix}`,
} as const;

export interface ParsedView {
  readonly kind: string;
  /** Empty for a view that shows every namespace. */
  readonly namespace: string;
  /** Empty for a view that has none. */
  readonly name: string;
}

export function parseView(view: string): ParsedView {
  const first = view.indexOf('\0');
  if (first < 0) return { kind: view, namespace: '', name: '' };
  const kind = view.slice(0, first);
  const second = view.indexOf('\0', first + 1);
  if (second < 0) return { kind, namespace: view.slice(first + 1), name: '' };
  return { kind, namespace: view.slice(first + 1, second), name: view.slice(second + 1) };
}

/** Whether a view is the part that all views of one node share. */
export function isSharedNode(view: string): boolean {
  return view.startsWith(sharedNodePrefix);
}

const sharedNodePrefix = viewOf.sharedNode('');
