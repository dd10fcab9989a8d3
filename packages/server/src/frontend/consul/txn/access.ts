/**
 * What the operations of a transaction demand, each for itself, and what of their results may be shown
 * (`agent/consul/txn_endpoint.go` and `filterTxnResults` of Consul 1.16). Reads demand nothing: what may not be
 * read is left out of the results.
 */

import { isRegistryError } from '@rollcall/protocol';
import { find } from '../../../registry/reader.ts';
import type { Row } from '../../../registry/rows.ts';
import type { State } from '../../../registry/state.ts';
import { textOf } from '../acl/words.ts';
import { demandNode } from '../catalog/access.ts';
import { serviceOf } from '../catalog/selection.ts';
import { type Call, demand } from '../request/call.ts';
import type { VisibilityFilter } from '../request/visibility-filter.ts';
import type { TxnOperationFields } from './schema.ts';

/** @returns what the caller lacks, as the operation's error; undefined when it may */
export function lacking(call: Call, fields: TxnOperationFields): string | undefined {
  try {
    demandOperation(call, fields);
    return undefined;
  } catch (error) {
    if (isRegistryError(error, 'permission_denied')) return textOf(error);
    throw error;
  }
}

function demandOperation(call: Call, { KV, Node, Service, Check, Session }: TxnOperationFields): void {
  if (KV !== undefined) demandKey(call, KV.Verb ?? '', KV.Key ?? '');
  else if (Node !== undefined) {
    const { Node: name = '', ID = '' } = Node.Node ?? {};
    if (Node.Verb !== 'get') demandNode(call, { name, id: ID.toLowerCase() });
  } else if (Service !== undefined) {
    if (Service.Verb !== 'get') demandService(call, Service.Node ?? '', Service.Service ?? {});
  } else if (Check !== undefined) {
    if (Check.Verb !== 'get') demandCheck(call, Check.Check ?? {});
  } else if (Session !== undefined) {
    const row = find.session(call.context.registry.state, call.namespace, Session.Session?.ID ?? '');
    if (row !== undefined) demand(call, 'session', 'write', row.node);
  }
}

function demandKey(call: Call, verb: string, key: string): void {
  const { caller, context, namespace } = call;
  switch (verb) {
    case 'get':
    case 'get-tree':
    case 'get-or-empty':
      return;
    case 'check-index':
    case 'check-session':
      // Whether they hold tells something about the value.
      demand(call, 'key', 'read', key);
      return;
    case 'delete-tree':
      if (!caller.authorizer.allowsKeyTree(namespace, key, 'write')) throw context.security.acl.denied(caller, namespace, 'key', 'write', key);
      return;
    default:
      demand(call, 'key', 'write', key);
  }
}

function demandService(call: Call, node: string, given: { readonly ID?: string; readonly Service?: string }): void {
  const before = find.instance(call.context.registry.state, call.namespace, node, given.ID || given.Service || '');
  if (given.Service || before === undefined) demand(call, 'service', 'write', given.Service ?? '');
  if (before !== undefined) demand(call, 'service', 'write', before.service);
}

function demandCheck(
  call: Call,
  given: { readonly Node?: string; readonly CheckID?: string; readonly Name?: string; readonly ServiceID?: string },
): void {
  const { state } = call.context.registry;
  const node = given.Node ?? '';
  const before = find.check(state, call.namespace, node, given.CheckID || given.Name || '');
  const owners = new Set<string | undefined>();
  if (before !== undefined) owners.add(serviceOf(state, before));
  if (given.ServiceID) owners.add(find.instance(state, call.namespace, node, given.ServiceID)?.service ?? '');
  else if (before === undefined) owners.add(undefined);
  for (const service of owners) {
    if (service === undefined) demand(call, 'node', 'write', node);
    else demand(call, 'service', 'write', service);
  }
}

/** Whether a row that an operation read or wrote may be shown. */
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
