/**
 * The permissions for writes to the catalog (`agent/consul/acl.go`, `vetRegisterWithACL` and `vetDeregisterWithACL`
 * of Consul 1.16). Writes by agents: `agent/access.ts`.
 */

import { isDeepStrictEqual } from 'node:util';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { NodeInput, Register } from '../../../registry/kind/catalog/commands.ts';
import { findCheck, findInstance, findNode, nodeWithId } from '../../../registry/kind/catalog/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { State } from '../../../registry/state.ts';
import type { Caller } from '../../../security/acl.ts';
import { type Permission, permission } from '../request/permission.ts';
import { serviceOf } from './selection.ts';

/**
 * For a registration. The node, unless it exists and does not change, so that callers without `node:write` can register
 * services on it. The service, and the service that had the id before. For each check, the service or node that it
 * belongs to, before and after.
 */
export function* forRegistration(
  state: State,
  { namespace, node, nodeMode, instances = [], checks = [] }: Register,
): Iterable<Permission> {
  const names = new Map<string, string>();
  for (const { id, service } of instances) {
    names.set(id, service);
    yield permission('service', 'write', service);
    const before = findInstance(state, namespace, node.name, id);
    if (before !== undefined) yield permission('service', 'write', before.service);
  }
  if (changesNode(state, node, nodeMode)) yield* forNode(state, node);
  for (const { id, instance } of checks) {
    const before = findCheck(state, instance === undefined ? defaultNamespace : namespace, node.name, id);
    if (before !== undefined) yield ownerOf(state, before);
    const service = (of: string) => names.get(of) ?? findInstance(state, namespace, node.name, of)?.service;
    yield owner(node.name, instance === undefined ? undefined : service(instance));
  }
}

/** For writing a node. It replaces a node with the same id and another name, so it requires that name, too, unlike in Consul 1.16. */
export function* forNode(state: State, { name, id }: Pick<NodeInput, 'name' | 'id'>): Iterable<Permission> {
  yield permission('node', 'write', name);
  const former = id === undefined ? undefined : nodeWithId(state, id);
  if (former !== undefined && former.name !== name) yield permission('node', 'write', former.name);
}

/** For changing a check that exists. */
export function ownerOf(state: State, check: RowOf<'check'>): Permission {
  return owner(check.node, serviceOf(state, check));
}

/** For a check of a service, or of the node. */
export function owner(node: string, service: string | undefined): Permission {
  return service === undefined ? permission('node', 'write', node) : permission('service', 'write', service);
}

function changesNode(state: State, node: Register['node'], mode: Register['nodeMode']): boolean {
  const before = findNode(state, node.name);
  if (before === undefined) return true;
  if (mode !== 'update') return false;
  return (
    before.address !== node.address ||
    (node.id !== undefined && before.id !== node.id) ||
    !isDeepStrictEqual(plain(before.meta), plain(node.meta ?? {})) ||
    !isDeepStrictEqual(plain(before.foreign), plain(node.foreign))
  );
}

/** A copy without prototypes, which differ between decoded and stored objects. */
function plain(value: object | undefined): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/**
 * For a deregistration: `node:write` is enough to remove anything from the node; without it, permission for the service or
 * check that is removed.
 * @throws RegistryError `failed_precondition` if it does not exist, and so belongs to no service
 */
export function* forDeregistration(
  state: State,
  { namespace, node, instance, check }: { readonly [K in 'namespace' | 'node' | 'instance' | 'check']: string },
  caller: Caller,
): Iterable<Permission> {
  if (caller.authorizer.allows(namespace, 'node', 'write', node)) return;
  if (instance !== '') {
    const row = findInstance(state, namespace, node, instance);
    if (row === undefined) throw unknown('service', instance);
    yield permission('service', 'write', row.service);
  } else if (check !== '') {
    const row = findCheck(state, namespace, node, check);
    if (row === undefined) throw unknown('check', check);
    yield ownerOf(state, row);
  } else yield permission('node', 'write', node);
}

function unknown(what: 'service' | 'check', id: string): RegistryError {
  return new RegistryError('failed_precondition', `Unknown ${what} ID '${id.slice(0, 120)}'`);
}
