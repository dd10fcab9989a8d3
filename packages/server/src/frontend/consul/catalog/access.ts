/**
 * What writes to the catalog demand of their caller (`agent/consul/acl.go`, `vetRegisterWithACL` and
 * `vetDeregisterWithACL` of Consul 1.16). Writes by agents: `agent/access.ts`.
 */

import { isDeepStrictEqual } from 'node:util';
import { RegistryError } from '@rollcall/protocol';
import type { NodeInput, Register } from '../../../registry/command.ts';
import { find } from '../../../registry/reader.ts';
import type { State } from '../../../registry/state.ts';
import { type Call, demand } from '../request/call.ts';
import { serviceOf } from './selection.ts';

/**
 * The node, unless it is there and stays as it is, so that services can be written by who may not write
 * nodes; the service, also the one that had the id before; checks with what they belong to.
 * @throws RegistryError `permission_denied`
 */
export function demandRegistration(call: Call, { node, nodeMode, instances = [], checks = [] }: Register): void {
  const { security, registry } = call.context;
  if (!security.acl.enabled) return;
  const { state } = registry;
  const names = new Map<string, string>();
  for (const { id, service } of instances) {
    names.set(id, service);
    demand(call, 'service', 'write', service);
    const before = find.instance(state, call.namespace, node.name, id);
    if (before !== undefined) demand(call, 'service', 'write', before.service);
  }
  if (changesNode(state, node, nodeMode)) demandNode(call, node);
  for (const { id, instance } of checks) {
    const before = find.check(state, call.namespace, node.name, id);
    if (before !== undefined) demandCheck(call, node.name, serviceOf(state, before));
    const service = (of: string) => names.get(of) ?? find.instance(state, call.namespace, node.name, of)?.service;
    demandCheck(call, node.name, instance === undefined ? undefined : service(instance));
  }
}

/**
 * The node, and the one that goes because its id comes under another name. Consul 1.16 does not ask for the latter.
 * @throws RegistryError `permission_denied`
 */
export function demandNode(call: Call, { name, id }: Pick<NodeInput, 'name' | 'id'>): void {
  demand(call, 'node', 'write', name);
  const former = id === undefined ? undefined : find.nodeWithId(call.context.registry.state, id);
  if (former !== undefined && former.name !== name) demand(call, 'node', 'write', former.name);
}

function demandCheck(call: Call, node: string, service: string | undefined): void {
  if (service === undefined) demand(call, 'node', 'write', node);
  else demand(call, 'service', 'write', service);
}

function changesNode(state: State, node: Register['node'], mode: Register['nodeMode']): boolean {
  const before = find.node(state, node.name);
  if (before === undefined) return true;
  if (mode !== 'update') return false;
  return (
    before.address !== node.address ||
    (node.id !== undefined && before.id !== node.id) ||
    !isDeepStrictEqual(plain(before.meta), plain(node.meta ?? {})) ||
    !isDeepStrictEqual(plain(before.foreign), plain(node.foreign))
  );
}

/** Without the prototypes, which tell apart what was read from what was decided. */
function plain(value: object | undefined): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/**
 * Whoever may write the node may remove anything from it; others what is there and they may write.
 * @throws RegistryError `permission_denied`; `failed_precondition` for what is not there
 */
export function demandDeregistration(
  call: Call,
  { node, instance, check }: { readonly node: string } & { readonly [K in 'instance' | 'check']: string | undefined },
): void {
  const { state } = call.context.registry;
  if (call.caller.authorizer.allows(call.namespace, 'node', 'write', node)) return;
  if (instance) {
    const row = find.instance(state, call.namespace, node, instance);
    if (row === undefined) throw unknown('service', instance);
    demand(call, 'service', 'write', row.service);
  } else if (check) {
    const row = find.check(state, call.namespace, node, check);
    if (row === undefined) throw unknown('check', check);
    demandCheck(call, node, serviceOf(state, row));
  } else demand(call, 'node', 'write', node);
}

function unknown(what: 'service' | 'check', id: string): RegistryError {
  return new RegistryError('failed_precondition', `Unknown ${what} ID '${id.slice(0, 120)}'`);
}
