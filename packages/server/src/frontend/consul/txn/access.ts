/**
 * The permissions for the operations of a transaction, checked one by one, and the results that the caller may read
 * (`agent/consul/txn_endpoint.go` and `filterTxnResults` of Consul 1.16). Reads require none: the results leave out rows
 * that the caller may not read.
 */

import { findCheck, findInstance } from '../../../registry/kind/catalog/find.ts';
import { findSession } from '../../../registry/kind/session/find.ts';
import type { Row } from '../../../registry/kinds.ts';
import type { State } from '../../../registry/state.ts';
import { forNode, owner, ownerOf } from '../catalog/access.ts';
import { serviceOf } from '../catalog/selection.ts';
import { type Permission, permission } from '../request/permission.ts';
import type { VisibilityFilter } from '../request/visibility-filter.ts';
import type { TxnOperationFields } from './schema.ts';

/** The permissions of one operation. */
export function* forOperation(
  state: State,
  namespace: string,
  { KV, Node, Service, Check, Session }: TxnOperationFields,
): Iterable<Permission> {
  if (KV !== undefined) yield* forKey(KV.Verb ?? '', KV.Key ?? '');
  else if (Node !== undefined) {
    const { Node: name = '', ID = '' } = Node.Node ?? {};
    if (Node.Verb !== 'get') yield* forNode(state, { name, id: ID.toLowerCase() });
  } else if (Service !== undefined) {
    if (Service.Verb !== 'get') yield* forService(state, namespace, Service.Node ?? '', Service.Service ?? {});
  } else if (Check !== undefined) {
    if (Check.Verb !== 'get') yield* forCheck(state, namespace, Check.Check ?? {});
  } else if (Session !== undefined) {
    const row = findSession(state, namespace, Session.Session?.ID ?? '');
    if (row !== undefined) yield permission('session', 'write', row.node);
  }
}

function forKey(verb: string, key: string): readonly Permission[] {
  switch (verb) {
    case 'get':
    case 'get-tree':
    case 'get-or-empty':
      return [];
    case 'check-index':
    case 'check-session':
      // Their result reveals something about the value.
      return [permission('key', 'read', key)];
    case 'delete-tree':
      return [{ ...permission('key', 'write', key), tree: true }];
    default:
      return [permission('key', 'write', key)];
  }
}

function* forService(
  state: State,
  namespace: string,
  node: string,
  given: { readonly ID?: string; readonly Service?: string },
): Iterable<Permission> {
  const before = findInstance(state, namespace, node, given.ID || given.Service || '');
  if (given.Service || before === undefined) yield permission('service', 'write', given.Service ?? '');
  if (before !== undefined) yield permission('service', 'write', before.service);
}

function* forCheck(
  state: State,
  namespace: string,
  given: { readonly Node?: string; readonly CheckID?: string; readonly Name?: string; readonly ServiceID?: string },
): Iterable<Permission> {
  const node = given.Node ?? '';
  const before = findCheck(state, namespace, node, given.CheckID || given.Name || '');
  if (before !== undefined) yield ownerOf(state, before);
  if (given.ServiceID) yield owner(node, findInstance(state, namespace, node, given.ServiceID)?.service ?? '');
  else if (before === undefined) yield owner(node, undefined);
}

/** Whether the answer may show a row that an operation read or wrote. */
export function isShown(state: State, visible: VisibilityFilter, row: Row): boolean {
  switch (row.kind) {
    case 'kv':
      return visible.includes('key', row.key);
    case 'node':
      return visible.includes('node', row.name);
    case 'instance':
      return visible.includes('service', row.service);
    case 'check': {
      const service = serviceOf(state, row);
      return service === undefined ? visible.includes('node', row.node) : visible.includes('service', service);
    }
    default:
      return true;
  }
}
