/**
 * What decisions and views may ask of the registry's rows.
 *
 * Two implementations: `State` (what is committed) and `Draft` (a State with decided but not yet
 * committed writes on top). Buckets are secondary indexes; their names are built here and nowhere
 * else.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { sessionOfRecord } from './bound-record.ts';
import { keys, noNamespace, type Row, type RowOf } from './rows.ts';

export interface Reader {
  get(key: string): Row | undefined;
  /** Whether there is a record at the key that this program keeps without reading it; `get` does not show it. */
  isUnread(key: string): boolean;
  /** The rows of a bucket, in no particular order. During iteration, rows of the bucket may be deleted or put again. */
  bucket(bucket: string): Iterable<Row>;
  /**
   * The KV keys (or the tombstones' keys) under a prefix; a State yields them in order, a Draft first
   * those that it wrote itself.
   * @param after only those above this one
   */
  kvKeys(namespace: string, prefix: string, after?: string): Iterable<string>;
  tombstoneKeys(namespace: string, prefix: string): Iterable<string>;
}

export const buckets = {
  namespaces: () => 'namespaces',
  /** Everything in a namespace other than `default`, but for tombstones: what goes with it. */
  inNamespace: (namespace: string) => `in\0${namespace}`,
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

/** Every bucket that a row belongs to. */
export function bucketsOf(row: Row): string[] {
  const names = ownBuckets(row);
  if ('namespace' in row && row.namespace !== defaultNamespace && row.namespace !== noNamespace && row.kind !== 'tombstone') {
    names.push(buckets.inNamespace(row.namespace));
  }
  return names;
}

function ownBuckets(row: Row): string[] {
  switch (row.kind) {
    case 'namespace':
      return [buckets.namespaces()];
    case 'node':
      return row.id === '' ? [buckets.nodes()] : [buckets.nodes(), buckets.nodeWithId(row.id)];
    case 'instance': {
      const { namespace, service, node, session } = row;
      const names = [buckets.instancesOfService(namespace, service)];
      if (node !== '') names.push(buckets.instancesOnNode(namespace, node));
      if (session !== undefined) names.push(buckets.heldBySession(namespace, session));
      return names;
    }
    case 'check': {
      const { namespace, node, instance } = row;
      return [
        buckets.checksOnNode(namespace, node),
        buckets.checks(namespace),
        buckets.checksOfInstance(namespace, node, instance),
      ];
    }
    case 'session': {
      const { namespace, node, checks } = row;
      return [
        buckets.sessionsOnNode(namespace, node),
        buckets.sessions(namespace),
        ...checks.map((check) => buckets.sessionsWithCheck(check.namespace, node, check.id)),
      ];
    }
    case 'kv':
      return row.session === undefined ? [] : [buckets.heldBySession(row.namespace, row.session)];
    case 'record': {
      const session = sessionOfRecord(row);
      const names = [buckets.recordsOfType(row.namespace, row.type)];
      if (session !== undefined) names.push(buckets.heldBySession(row.namespace, session));
      return names;
    }
    case 'service':
      return [buckets.serviceRecords(row.namespace)];
    case 'view':
    case 'head':
    case 'tombstone':
    case 'delay':
    case 'floor':
    case 'unread':
      return [];
  }
}

/** Typed access by kind, the same over a State and a Draft. */
export const find = {
  namespace: (reader: Reader, name: string) => reader.get(keys.namespace(name)) as RowOf<'namespace'> | undefined,
  node: (reader: Reader, name: string) => reader.get(keys.node(name)) as RowOf<'node'> | undefined,
  service: (reader: Reader, namespace: string, name: string) =>
    reader.get(keys.service(namespace, name)) as RowOf<'service'> | undefined,
  instance: (reader: Reader, namespace: string, node: string, id: string) =>
    reader.get(keys.instance(namespace, node, id)) as RowOf<'instance'> | undefined,
  /** @param namespace `default` for a check of the node itself */
  check: (reader: Reader, namespace: string, node: string, id: string) =>
    reader.get(keys.check(namespace, node, id)) as RowOf<'check'> | undefined,
  session: (reader: Reader, namespace: string, id: string) =>
    reader.get(keys.session(namespace, id)) as RowOf<'session'> | undefined,
  /** A session that may still take hold of something: its end has not begun. */
  liveSession: (reader: Reader, namespace: string, id: string) => {
    const row = reader.get(keys.session(namespace, id)) as RowOf<'session'> | undefined;
    return row?.ending === true ? undefined : row;
  },
  kv: (reader: Reader, namespace: string, key: string) => reader.get(keys.kv(namespace, key)) as RowOf<'kv'> | undefined,
  delay: (reader: Reader, namespace: string, key: string) =>
    reader.get(keys.delay(namespace, key)) as RowOf<'delay'> | undefined,
  record: (reader: Reader, namespace: string, type: string, id: string) =>
    reader.get(keys.record(namespace, type, id)) as RowOf<'record'> | undefined,

  instancesOfService: (reader: Reader, namespace: string, service: string) =>
    reader.bucket(buckets.instancesOfService(namespace, service)) as Iterable<RowOf<'instance'>>,
  instancesOnNode: (reader: Reader, namespace: string, node: string) =>
    reader.bucket(buckets.instancesOnNode(namespace, node)) as Iterable<RowOf<'instance'>>,
  /** The checks of the namespace's instances on a node; in `default`, those of the node itself, too. */
  checksOnNode: (reader: Reader, namespace: string, node: string) =>
    reader.bucket(buckets.checksOnNode(namespace, node)) as Iterable<RowOf<'check'>>,
  /** The checks of the node itself, of which there are few, however many its instances have. */
  checksOfNode: (reader: Reader, node: string) =>
    reader.bucket(buckets.checksOfInstance(defaultNamespace, node, '')) as Iterable<RowOf<'check'>>,
  checksOfInstance: (reader: Reader, namespace: string, node: string, instance: string) =>
    reader.bucket(buckets.checksOfInstance(namespace, node, instance)) as Iterable<RowOf<'check'>>,
  sessionsOnNode: (reader: Reader, namespace: string, node: string) =>
    reader.bucket(buckets.sessionsOnNode(namespace, node)) as Iterable<RowOf<'session'>>,
  /** Sessions of any namespace. @param namespace of the check */
  sessionsWithCheck: (reader: Reader, namespace: string, node: string, check: string) =>
    reader.bucket(buckets.sessionsWithCheck(namespace, node, check)) as Iterable<RowOf<'session'>>,
  heldBySession: (reader: Reader, namespace: string, session: string) =>
    reader.bucket(buckets.heldBySession(namespace, session)) as Iterable<RowOf<'kv' | 'instance' | 'record'>>,
  nodeWithId: (reader: Reader, id: string): RowOf<'node'> | undefined => {
    for (const row of reader.bucket(buckets.nodeWithId(id))) return row as RowOf<'node'>;
    return undefined;
  },
  /** Those that were created, and `default` if it was described. */
  namespaces: (reader: Reader) => reader.bucket(buckets.namespaces()) as Iterable<RowOf<'namespace'>>,
  nodes: (reader: Reader) => reader.bucket(buckets.nodes()) as Iterable<RowOf<'node'>>,
  services: (reader: Reader, namespace: string) =>
    reader.bucket(buckets.serviceRecords(namespace)) as Iterable<RowOf<'service'>>,
  sessions: (reader: Reader, namespace: string) => reader.bucket(buckets.sessions(namespace)) as Iterable<RowOf<'session'>>,
  checks: (reader: Reader, namespace: string) => reader.bucket(buckets.checks(namespace)) as Iterable<RowOf<'check'>>,
  records: (reader: Reader, namespace: string, type: string) =>
    reader.bucket(buckets.recordsOfType(namespace, type)) as Iterable<RowOf<'record'>>,
};

/** The names of all namespaces: `default` and those that were created. */
export function* namespaceNames(reader: Reader): Generator<string, void, undefined> {
  yield defaultNamespace;
  for (const { name } of find.namespaces(reader)) if (name !== defaultNamespace) yield name;
}
