/**
 * What decisions and views may ask of the registry's rows.
 *
 * Two implementations: `State` (what is committed) and `Draft` (a State with decided but not yet
 * committed writes on top). Buckets are secondary indexes; their names are built here and nowhere
 * else.
 */

import { sessionOfRecord } from './bound-record.ts';
import { keys, type Row, type RowOf } from './rows.ts';

export interface Reader {
  get(key: string): Row | undefined;
  /** The rows of a bucket, in no particular order. During iteration, rows of the bucket may be deleted or put again. */
  bucket(bucket: string): Iterable<Row>;
  /**
   * The KV keys (or the tombstones' keys) under a prefix; a State yields them in order, a Draft first
   * those that it wrote itself.
   * @param after only those above this one
   */
  kvKeys(prefix: string, after?: string): Iterable<string>;
  graveKeys(prefix: string): Iterable<string>;
}

export const buckets = {
  instancesOfService: (service: string) => `service\0${service}`,
  instancesOnNode: (node: string) => `on\0${node}`,
  checksOnNode: (node: string) => `checks-on\0${node}`,
  /** Checks of the node itself are those of the empty instance. */
  checksOfInstance: (node: string, instance: string) => `checks-of\0${node}\0${instance}`,
  sessionsOnNode: (node: string) => `sessions-on\0${node}`,
  /** Sessions that end when the check fails or goes. */
  sessionsWithCheck: (node: string, check: string) => `sessions-with\0${node}\0${check}`,
  /** KV rows locked, instances vouched for, and records bound to it, by a session. */
  heldBySession: (session: string) => `held\0${session}`,
  /** At most one node. @param id a UUID in lower case */
  nodeWithId: (id: string) => `node-id\0${id}`,
  all: (kind: 'node' | 'session' | 'check') => `all\0${kind}`,
  recordsOfType: (type: string) => `records\0${type}`,
} as const;

/** Every bucket that a row belongs to. */
export function bucketsOf(row: Row): string[] {
  switch (row.kind) {
    case 'node':
      return row.id === '' ? [buckets.all('node')] : [buckets.all('node'), buckets.nodeWithId(row.id)];
    case 'instance': {
      const names = [buckets.instancesOfService(row.service), buckets.instancesOnNode(row.node)];
      if (row.session !== undefined) names.push(buckets.heldBySession(row.session));
      return names;
    }
    case 'check':
      return [buckets.checksOnNode(row.node), buckets.all('check'), buckets.checksOfInstance(row.node, row.instance)];
    case 'session':
      return [
        buckets.sessionsOnNode(row.node),
        buckets.all('session'),
        ...row.checks.map((check) => buckets.sessionsWithCheck(row.node, check)),
      ];
    case 'kv':
      return row.session === undefined ? [] : [buckets.heldBySession(row.session)];
    case 'record': {
      const session = sessionOfRecord(row);
      const names = [buckets.recordsOfType(row.type)];
      if (session !== undefined) names.push(buckets.heldBySession(session));
      return names;
    }
    case 'view':
    case 'tombstone':
    case 'delay':
    case 'floor':
      return [];
  }
}

/** Typed access by kind, the same over a State and a Draft. */
export const find = {
  node: (reader: Reader, name: string) => reader.get(keys.node(name)) as RowOf<'node'> | undefined,
  instance: (reader: Reader, node: string, id: string) =>
    reader.get(keys.instance(node, id)) as RowOf<'instance'> | undefined,
  check: (reader: Reader, node: string, id: string) =>
    reader.get(keys.check(node, id)) as RowOf<'check'> | undefined,
  session: (reader: Reader, id: string) => reader.get(keys.session(id)) as RowOf<'session'> | undefined,
  /** A session that may still take hold of something: not one whose end has begun. */
  liveSession: (reader: Reader, id: string) => {
    const row = reader.get(keys.session(id)) as RowOf<'session'> | undefined;
    return row?.ending === true ? undefined : row;
  },
  kv: (reader: Reader, key: string) => reader.get(keys.kv(key)) as RowOf<'kv'> | undefined,
  delay: (reader: Reader, key: string) => reader.get(keys.delay(key)) as RowOf<'delay'> | undefined,
  record: (reader: Reader, type: string, id: string) =>
    reader.get(keys.record(type, id)) as RowOf<'record'> | undefined,

  instancesOfService: (reader: Reader, service: string) =>
    reader.bucket(buckets.instancesOfService(service)) as Iterable<RowOf<'instance'>>,
  instancesOnNode: (reader: Reader, node: string) =>
    reader.bucket(buckets.instancesOnNode(node)) as Iterable<RowOf<'instance'>>,
  checksOnNode: (reader: Reader, node: string) =>
    reader.bucket(buckets.checksOnNode(node)) as Iterable<RowOf<'check'>>,
  /** The checks of the node itself, of which there are few, however many its instances have. */
  checksOfNode: (reader: Reader, node: string) =>
    reader.bucket(buckets.checksOfInstance(node, '')) as Iterable<RowOf<'check'>>,
  checksOfInstance: (reader: Reader, node: string, instance: string) =>
    reader.bucket(buckets.checksOfInstance(node, instance)) as Iterable<RowOf<'check'>>,
  sessionsOnNode: (reader: Reader, node: string) =>
    reader.bucket(buckets.sessionsOnNode(node)) as Iterable<RowOf<'session'>>,
  sessionsWithCheck: (reader: Reader, node: string, check: string) =>
    reader.bucket(buckets.sessionsWithCheck(node, check)) as Iterable<RowOf<'session'>>,
  heldBySession: (reader: Reader, session: string) =>
    reader.bucket(buckets.heldBySession(session)) as Iterable<RowOf<'kv' | 'instance' | 'record'>>,
  nodeWithId: (reader: Reader, id: string): RowOf<'node'> | undefined => {
    for (const row of reader.bucket(buckets.nodeWithId(id))) return row as RowOf<'node'>;
    return undefined;
  },
  nodes: (reader: Reader) => reader.bucket(buckets.all('node')) as Iterable<RowOf<'node'>>,
  sessions: (reader: Reader) => reader.bucket(buckets.all('session')) as Iterable<RowOf<'session'>>,
  checks: (reader: Reader) => reader.bucket(buckets.all('check')) as Iterable<RowOf<'check'>>,
  records: (reader: Reader, type: string) =>
    reader.bucket(buckets.recordsOfType(type)) as Iterable<RowOf<'record'>>,
};
