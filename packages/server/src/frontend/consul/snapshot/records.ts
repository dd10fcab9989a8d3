/**
 * Writes the state as the records of Consul's snapshots: one type byte, then the fields of a Go struct by name
 * (`agent/consul/fsm/snapshot_ce.go`, `agent/structs/structs.go` of Consul 1.16). Pure. Nodes come before the rows on them,
 * and a node's services before their checks, since Consul registers them in this order.
 *
 * Left out: tokens, policies, roles, auth methods and binding rules, since only hashes of secrets are stored here;
 * events; coordinates; everything in a namespace other than `default`. The backup of Rollcall in the same archive has them
 * (`archive.ts`). Consul's community edition ignores the field `Namespace` of a record, and would overwrite the key of one
 * team with the same key of another.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Moment } from '../../../registry/moment.ts';
import type { Row, RowOf } from '../../../registry/kinds.ts';
import { checkJson, nodeJson, serviceJson } from '../catalog/catalog-json.ts';
import { queryFields } from '../query/query-json.ts';
import { sessionJson } from '../session/session-json.ts';
import { nsPerMs } from '../wire/go-duration.ts';
import type { Packed, Packer } from './msgpack.ts';

/** `structs.MessageType`. */
export const recordTypes = { register: 0, kv: 2, session: 3, preparedQuery: 7, systemMetadata: 31 } as const;

type Fields = { readonly [key: string]: Packed };

/** Packs the head, then every record; after each step there may be a pause. */
export function* recordsOf({ revision, rows }: Moment, datacenter: string, to: Packer): Generator<void> {
  to.value({ LastIndex: revision });
  const nodes: RowOf<'node'>[] = [];
  const instances = new Map<string, RowOf<'instance'>[]>();
  const checks = new Map<string, RowOf<'check'>[]>();
  for (const [, row] of rows) {
    if (row.kind === 'node') nodes.push(row);
    else if (row.kind === 'instance' && inDefault(row)) push(instances, row.node, row);
    else if (row.kind === 'check' && inDefault(row)) push(checks, row.node, row);
    yield;
  }
  for (const node of nodes) yield* registrations({ node, instances: instances.get(node.name) ?? [], checks: checks.get(node.name) ?? [] }, datacenter, to);
  // A session comes before the keys that it holds.
  for (const [, row] of rows) {
    if (row.kind === 'session' && inDefault(row)) record(to, recordTypes.session, sessionFields(row));
    yield;
  }
  for (const [, row] of rows) {
    if (row.kind === 'kv' && inDefault(row)) record(to, recordTypes.kv, keyFields(row));
    else if (row.kind === 'query' && inDefault(row)) record(to, recordTypes.preparedQuery, { ...preparedFields(row), ...indexes(row) });
    yield;
  }
}

export function record(to: Packer, type: number, fields: Fields): void {
  to.byte(type);
  to.value(fields);
}

interface OnNode {
  readonly node: RowOf<'node'>;
  readonly instances: readonly RowOf<'instance'>[];
  readonly checks: readonly RowOf<'check'>[];
}

function* registrations({ node, instances, checks }: OnNode, datacenter: string, to: Packer): Generator<void> {
  const { ID, Node, Address, TaggedAddresses, Meta } = nodeJson(node, datacenter) as Fields;
  const own: Fields = { Datacenter: datacenter, ID, Node, Address, TaggedAddresses, NodeMeta: Meta, ...indexes(node) } as Fields;
  const register = (fields: Fields) => record(to, recordTypes.register, { ...own, ...fields });
  register({ Service: null, Check: null });
  const byId = new Map(instances.map((row) => [row.id, row]));
  for (const row of instances) {
    // Of the fields of the mesh only `Kind` has a meaning here.
    const { Proxy: _proxy, Connect: _connect, Locality: _locality, PeerName: _peer, ...service } = serviceJson(row) as Fields;
    register({ Service: service, Check: null });
    yield;
  }
  for (const row of checks) {
    const { Definition: _definition, ...check } = checkJson(row, byId.get(row.instance)) as Fields;
    register({ Service: null, Check: check });
    yield;
  }
}

/** Whether a row is in `default`; checks of nodes are, and nodes have no namespace. */
function inDefault({ namespace }: { readonly namespace: string }): boolean {
  return namespace === defaultNamespace;
}

function push<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [item]);
  else list.push(item);
}

function keyFields(row: RowOf<'kv'>): Fields {
  const { key, value, flags, lockIndex, session = '' } = row;
  return { LockIndex: lockIndex, Key: key, Flags: flags, Value: value, Session: session, ...indexes(row) };
}

function sessionFields(row: RowOf<'session'>): Fields {
  const { ID, Name, Node, Behavior, TTL, NodeChecks } = sessionJson(row) as Fields;
  return { ID, Name, Node, LockDelay: row.lockDelayMs * nsPerMs, Behavior, TTL, NodeChecks, ...indexes(row) } as Fields;
}

/** Only a hash of the token is stored, so the record has none. */
function preparedFields({ id, query }: RowOf<'query'>): Fields {
  const { Name, Session, Template, Service, DNS } = queryFields(query);
  return { ID: id, Name, Session, Token: '', Template, Service, DNS };
}

function indexes({ created, modified }: Row): Fields {
  return { CreateIndex: created, ModifyIndex: modified };
}
