/**
 * What decisions and views may ask of the registry's rows.
 *
 * Two implementations: `State` (what is committed) and `Draft` (a State with decided but not yet
 * committed writes on top). Buckets are secondary indexes; their names are built here and nowhere
 * else.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { KindTable } from './kind-table.ts';
import type { Lookup } from './room.ts';
import { inNamespace, keys, type Row, type RowOf } from './rows.ts';

export interface Reader extends Lookup {
  /** Whether there is a record at the key that this program keeps without reading it; `get` does not show it. */
  isUnread(key: string): boolean;
  /** The rows of a bucket, in no particular order. During iteration, rows of the bucket may be deleted or put again. */
  bucket(bucket: string): Iterable<Row>;
  /**
   * The keys of an ordered kind's rows under a prefix; a State yields them in order, a Draft first those that it wrote
   * itself.
   * @param after only those above this one
   */
  ordered(kind: string, namespace: string, prefix: string, after?: string): Iterable<string>;
  /** What is known of the kinds of rows. */
  readonly kinds: KindTable;
}

export const buckets = {
  namespaces: () => 'namespaces',
  /** Everything in a namespace other than `default`, but for tombstones: what goes with it. */
  inNamespace,
  nodes: () => 'nodes',
  /** At most one node. @param id a UUID in lower case */
  nodeWithId: (id: string) => `node-id\0${id}`,
  serviceRecords: (namespace: string) => `service-records\0${namespace}`,
  instancesOfService: (namespace: string, service: string) => `service\0${namespace}\0${service}`,
  instancesOnNode: (namespace: string, node: string) => `on\0${namespace}\0${node}`,
  checks: (namespace: string) => `checks\0${namespace}`,
  checksOnNode: (namespace: string, node: string) => `checks-on\0${namespace}\0${node}`,
  /** Checks of the node itself are those of the empty instance in `default`. */
  checksOfInstance: (namespace: string, node: string, instance: string) => `checks-of\0${namespace}\0${node}\0${instance}`,
  sessions: (namespace: string) => `sessions\0${namespace}`,
  sessionsOnNode: (namespace: string, node: string) => `sessions-on\0${namespace}\0${node}`,
  /** Sessions of any namespace that end when the check fails or goes. @param namespace of the check */
  sessionsWithCheck: (namespace: string, node: string, check: string) => `sessions-with\0${namespace}\0${node}\0${check}`,
  /** KV rows locked by a session, instances that it vouches for, and records bound to it. */
  heldBySession: (namespace: string, session: string) => `held\0${namespace}\0${session}`,
  recordsOfType: (namespace: string, type: string) => `records\0${namespace}\0${type}`,
} as const;

/** Typed access by kind, the same over a State and a Draft. */
export const find = {
  namespace: (reader: Lookup, name: string) => reader.get(keys.namespace(name)) as RowOf<'namespace'> | undefined,
  node: (reader: Lookup, name: string) => reader.get(keys.node(name)) as RowOf<'node'> | undefined,
  service: (reader: Lookup, namespace: string, name: string) =>
    reader.get(keys.service(namespace, name)) as RowOf<'service'> | undefined,
  instance: (reader: Lookup, namespace: string, node: string, id: string) =>
    reader.get(keys.instance(namespace, node, id)) as RowOf<'instance'> | undefined,
  /** @param namespace `default` for a check of the node itself */
  check: (reader: Lookup, namespace: string, node: string, id: string) =>
    reader.get(keys.check(namespace, node, id)) as RowOf<'check'> | undefined,
  session: (reader: Lookup, namespace: string, id: string) =>
    reader.get(keys.session(namespace, id)) as RowOf<'session'> | undefined,
  /** @param after only those above this one */
  kvKeys: (reader: Pick<Reader, 'ordered'>, namespace: string, prefix: string, after?: string) =>
    reader.ordered('kv', namespace, prefix, after),
  /** A session that may still take hold of something: its end has not begun. */
  liveSession: (reader: Lookup, namespace: string, id: string) => {
    const row = reader.get(keys.session(namespace, id)) as RowOf<'session'> | undefined;
    return row?.ending === true ? undefined : row;
  },
  kv: (reader: Lookup, namespace: string, key: string) => reader.get(keys.kv(namespace, key)) as RowOf<'kv'> | undefined,
  delay: (reader: Lookup, namespace: string, key: string) =>
    reader.get(keys.delay(namespace, key)) as RowOf<'delay'> | undefined,
  record: (reader: Lookup, namespace: string, type: string, id: string) =>
    reader.get(keys.record(namespace, type, id)) as RowOf<'record'> | undefined,

  instancesOfService: (reader: Lookup, namespace: string, service: string) =>
    reader.bucket(buckets.instancesOfService(namespace, service)) as Iterable<RowOf<'instance'>>,
  instancesOnNode: (reader: Lookup, namespace: string, node: string) =>
    reader.bucket(buckets.instancesOnNode(namespace, node)) as Iterable<RowOf<'instance'>>,
  /** The checks of the namespace's instances on a node; in `default`, those of the node itself, too. */
  checksOnNode: (reader: Lookup, namespace: string, node: string) =>
    reader.bucket(buckets.checksOnNode(namespace, node)) as Iterable<RowOf<'check'>>,
  /** The checks of the node itself, of which there are few, however many its instances have. */
  checksOfNode: (reader: Lookup, node: string) =>
    reader.bucket(buckets.checksOfInstance(defaultNamespace, node, '')) as Iterable<RowOf<'check'>>,
  checksOfInstance: (reader: Lookup, namespace: string, node: string, instance: string) =>
    reader.bucket(buckets.checksOfInstance(namespace, node, instance)) as Iterable<RowOf<'check'>>,
  sessionsOnNode: (reader: Lookup, namespace: string, node: string) =>
    reader.bucket(buckets.sessionsOnNode(namespace, node)) as Iterable<RowOf<'session'>>,
  /** Sessions of any namespace. @param namespace of the check */
  sessionsWithCheck: (reader: Lookup, namespace: string, node: string, check: string) =>
    reader.bucket(buckets.sessionsWithCheck(namespace, node, check)) as Iterable<RowOf<'session'>>,
  heldBySession: (reader: Lookup, namespace: string, session: string) =>
    reader.bucket(buckets.heldBySession(namespace, session)) as Iterable<RowOf<'kv' | 'instance' | 'record'>>,
  nodeWithId: (reader: Lookup, id: string): RowOf<'node'> | undefined => {
    for (const row of reader.bucket(buckets.nodeWithId(id))) return row as RowOf<'node'>;
    return undefined;
  },
  /** Those that were created, and `default` if it was described. */
  namespaces: (reader: Lookup) => reader.bucket(buckets.namespaces()) as Iterable<RowOf<'namespace'>>,
  nodes: (reader: Lookup) => reader.bucket(buckets.nodes()) as Iterable<RowOf<'node'>>,
  services: (reader: Lookup, namespace: string) =>
    reader.bucket(buckets.serviceRecords(namespace)) as Iterable<RowOf<'service'>>,
  sessions: (reader: Lookup, namespace: string) => reader.bucket(buckets.sessions(namespace)) as Iterable<RowOf<'session'>>,
  checks: (reader: Lookup, namespace: string) => reader.bucket(buckets.checks(namespace)) as Iterable<RowOf<'check'>>,
  records: (reader: Lookup, namespace: string, type: string) =>
    reader.bucket(buckets.recordsOfType(namespace, type)) as Iterable<RowOf<'record'>>,
};

/** The names of all namespaces: `default` and those that were created. */
export function* namespaceNames(reader: Lookup): Generator<string, void, undefined> {
  yield defaultNamespace;
  for (const { name } of find.namespaces(reader)) if (name !== defaultNamespace) yield name;
}
