/**
 * The permissions for agent calls: `service:write` for services and their checks, `node:write` for the node and its
 * checks (`agent/acl.go` of Consul 1.16).
 */

import type { AgentNode } from '../../../net/agent-node.ts';
import { findCheck, findInstance, findNode } from '../../../registry/kind/catalog/find.ts';
import type { State } from '../../../registry/state.ts';
import { ownerOf } from '../catalog/access.ts';
import { type Permission, permission } from '../request/permission.ts';
import type { OnAgent } from '../request/virtual-agent.ts';
import { movesNode } from './enrolment.ts';

/**
 * For the node of a registration. Permission to register a service is enough to create the node. Moving the node to
 * another address also moves its services, so it requires `node:write`.
 */
export function* forEnrolment(state: State, agent: AgentNode): Iterable<Permission> {
  if (movesNode(findNode(state, agent.name), agent)) yield permission('node', 'write', agent.name);
}

/** For registering an instance: its service, and the service that had the id before. */
export function* forInstance(
  state: State,
  namespace: string,
  node: string,
  { id, service }: { readonly id: string; readonly service: string },
): Iterable<Permission> {
  yield permission('service', 'write', service);
  yield* forKnownInstance(state, { namespace, node, id });
}

/** For changing or removing an instance, which may be absent. */
export function* forKnownInstance(state: State, { namespace, node, id }: OnAgent): Iterable<Permission> {
  const row = findInstance(state, namespace, node, id);
  if (row !== undefined) yield permission('service', 'write', row.service);
}

/** For registering a check: the service or node that it will belong to, and the one that its id belonged to before. */
export function* forCheck(
  state: State,
  namespace: string,
  node: string,
  { id, instance }: { readonly id: string; readonly instance?: string },
): Iterable<Permission> {
  if (instance === undefined) yield permission('node', 'write', node);
  else yield permission('service', 'write', findInstance(state, namespace, node, instance)?.service);
  yield* forKnownCheck(state, { namespace, node, id });
}

/** For changing or removing a check, which may be absent. */
export function* forKnownCheck(state: State, { namespace, node, id }: OnAgent): Iterable<Permission> {
  const row = findCheck(state, namespace, node, id);
  if (row !== undefined) yield ownerOf(state, row);
}
