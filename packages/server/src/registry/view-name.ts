/**
 * Names of views. A view is an answer that can be watched; its revision rises only when its own
 * content changes.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `services` | service names with their tags | its marker's |
 * | `service <name>` | instances with their nodes and checks | its marker's |
 * | `nodes` | all nodes | its marker's |
 * | `node <name>` | a node with its instances and checks | its marker's |
 * | `checks` | all checks, with the service and tags of their instances | its marker's |
 * | `sessions` | all sessions | its marker's |
 * | `session <id>` | one session | the row's, else that of `sessions` |
 * | `records <type>` | all generic records of a type | its marker's |
 * | `key <key>` | one KV key | the row's, else the tombstone's |
 * | `prefix <prefix>` | the KV keys under a prefix | the newest row's or tombstone's below it |
 */

export type ViewKind =
  | 'services'
  | 'service'
  | 'nodes'
  | 'node'
  | 'checks'
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
