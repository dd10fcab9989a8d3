/**
 * Names of views. A view is an answer that can be watched; its revision rises only when its own
 * content changes.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `services` | service names with their tags | its marker's |
 * | `service <name>` | instances with their nodes and checks | that of its newest row or its marker |
 * | `nodes` | all nodes | that of its newest row or its marker |
 * | `node <name>` | a node with its instances and checks | that of its newest row or its marker |
 * | `checks` | all checks, with the service and tags of their instances | that of its newest row or its marker |
 * | `catalog` | all nodes, instances and checks | the newest of those above |
 * | `sessions` | all sessions | that of its newest row or its marker |
 * | `session <id>` | one session | the row's, else that of `sessions` |
 * | `records <type>` | all generic records of a type | that of its newest row or its marker |
 * | `key <key>` | one KV key | the row's, else the tombstone's |
 * | `prefix <prefix>` | the KV keys under a prefix | the newest row's or tombstone's below it |
 */

export type ViewKind =
  | 'services'
  | 'service'
  | 'nodes'
  | 'node'
  | 'checks'
  | 'catalog'
  | 'sessions'
  | 'session'
  | 'records'
  | 'key'
  | 'prefix';

export const viewOf = {
  services: () => 'services',
  service: (name: string) => `service\0${name}`,
  nodes: () => 'nodes',
  node: (name: string) => `node\0${name}`,
  checks: () => 'checks',
  catalog: () => 'catalog',
  sessions: () => 'sessions',
  session: (id: string) => `session\0${id}`,
  records: (type: string) => `records\0${type}`,
  key: (key: string) => `key\0${key}`,
  prefix: (prefix: string) => `prefix\0${prefix}`,
} as const;

export function parseView(view: string): { kind: ViewKind; name: string } {
  const end = view.indexOf('\0');
  if (end < 0) return { kind: view as ViewKind, name: '' };
  return { kind: view.slice(0, end) as ViewKind, name: view.slice(end + 1) };
}

const catalogKinds: ReadonlySet<string> = new Set<ViewKind>(['services', 'service', 'nodes', 'node', 'checks']);

/** Whether a change of the view is one of `catalog`, too. */
export function isOfCatalog(view: string): boolean {
  const end = view.indexOf('\0');
  return catalogKinds.has(end < 0 ? view : view.slice(0, end));
}
