/**
 * What calls of agents demand: `service:write` for services and their checks, `node:write` for what belongs
 * to the node (`agent/acl.go` of Consul 1.16). Without access control none of it costs anything.
 */

import type { AgentNode } from '../../../net/agent-node.ts';
import { find } from '../../../registry/reader.ts';
import { serviceOf } from '../catalog/selection.ts';
import { type Call, demand } from '../request/call.ts';
import { enrolment } from './enrolment.ts';

/**
 * What a registration says about its node. That an agent is there is said by whoever may register something
 * on it; but to move a node to another address, which takes its services along, demands `node:write`.
 * @throws RegistryError `permission_denied`
 */
export function enrolmentBy(call: Call, agent: AgentNode): ReturnType<typeof enrolment> {
  const { registry, identity } = call.context;
  const own = enrolment(registry.state, agent, identity);
  if (own.nodeMode === 'update') demand(call, 'node', 'write', agent.name);
  return own;
}

/**
 * For registering an instance: its service, and the one that had the id before.
 * @throws RegistryError `permission_denied`
 */
export function demandInstance(
  call: Call,
  node: string,
  { id, service }: { readonly id: string; readonly service: string },
): void {
  demand(call, 'service', 'write', service);
  demandKnownInstance(call, node, id);
}

/** For what is done to an instance that may not be there. @throws RegistryError `permission_denied` */
export function demandKnownInstance(call: Call, node: string, id: string): void {
  const { security, registry } = call.context;
  if (!security.acl.enabled) return;
  const row = find.instance(registry.state, call.namespace, node, id);
  if (row !== undefined) demand(call, 'service', 'write', row.service);
}

/**
 * For registering a check: what it shall belong to, and what one with its id belonged to before.
 * @throws RegistryError `permission_denied`
 */
export function demandCheck(
  call: Call,
  node: string,
  { id, instance }: { readonly id: string; readonly instance?: string },
): void {
  const { security, registry } = call.context;
  if (!security.acl.enabled) return;
  if (instance === undefined) demand(call, 'node', 'write', node);
  else demand(call, 'service', 'write', find.instance(registry.state, call.namespace, node, instance)?.service ?? '');
  demandKnownCheck(call, node, id);
}

/** For what is done to a check that may not be there. @throws RegistryError `permission_denied` */
export function demandKnownCheck(call: Call, node: string, id: string): void {
  const { security, registry } = call.context;
  if (!security.acl.enabled) return;
  const row = find.check(registry.state, call.namespace, node, id);
  if (row === undefined) return;
  const service = serviceOf(registry.state, row);
  if (service === undefined) demand(call, 'node', 'write', node);
  else demand(call, 'service', 'write', service);
}
