/**
 * Heads: on an engine with other writers, each set of rows that decisions scan has a small record, its head
 * (docs/decisions/0037). A transaction that adds a row to the set puts the head. A transaction whose decision scanned
 * the set expects the head as it was, and so loses against one that added what the scan has missed.
 *
 * A decision reads by key what it uses of the rows that it found, so rows that change or go are expected by themselves.
 * Which heads a transaction puts is decided in `touch-heads.ts`.
 */

import { queryType } from './bound-record.ts';

/** The heads by the sets that they stand for. */
export const headOf = {
  /** Instances, checks and sessions on the node, in every namespace, and which sessions a check ends. */
  node: (node: string) => `node\0${node}`,
  /** What a session holds. */
  session: (namespace: string, id: string) => `session\0${namespace}\0${id}`,
  /** The node with an id. */
  nodeId: (id: string) => `node-id\0${id}`,
  /** Prepared queries, whose names must differ. */
  queries: (namespace: string) => `queries\0${namespace}`,
  namespaces: () => 'namespaces',
} as const;

/** The head of a bucket; undefined for one that decisions must not rely on. */
export function headOfBucket(bucket: string): string | undefined {
  const [kind, first = '', second = ''] = bucket.split('\0', 3);
  switch (kind) {
    case 'on':
    case 'checks-on':
    case 'checks-of':
    case 'sessions-on':
    case 'sessions-with':
      return headOf.node(second);
    case 'held':
      return headOf.session(first, second);
    case 'node-id':
      return headOf.nodeId(first);
    case 'records':
      return second === queryType ? headOf.queries(first) : undefined;
    case 'namespaces':
      return headOf.namespaces();
    default:
      return undefined;
  }
}
