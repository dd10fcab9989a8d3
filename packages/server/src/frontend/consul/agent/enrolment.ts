/**
 * The rows of a virtual agent: its node with the check `serfHealth`, which Consul's agents have and on which
 * sessions depend by default.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { AgentNode } from '../../../net/agent-node.ts';
import type { Context, Identity } from '../../../net/frontend.ts';
import type { CheckInput, Register } from '../../../registry/kind/catalog/commands.ts';
import { findCheck, findNode, nodeWithId } from '../../../registry/kind/catalog/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import type { State } from '../../../registry/state.ts';
import { isCatalogNode } from '../catalog/catalog-json.ts';
import { agentId } from '../request/virtual-agent.ts';

export const aliveCheck: CheckInput = {
  id: serfHealth,
  name: 'Serf Health Status',
  status: 'passing',
  output: 'Agent alive and reachable',
};

/**
 * The node in a registration by an agent: it exists and has its check. If the agent's address has changed
 * (a container with a fixed name moved), its node gets the new one. A node that the catalog API wrote belongs to no
 * agent: services and checks may be added to it, but its address stays and it gets no `serfHealth`.
 */
export function enrolment(
  state: State,
  agent: AgentNode,
  identity: Identity,
): Pick<Register, 'node' | 'nodeMode'> & { readonly checks: readonly CheckInput[] } {
  const row = findNode(state, agent.name);
  if (row === undefined) {
    const id = agentId(agent.name, identity);
    // If a node of the catalog has this id, it keeps the id and its name.
    const free = nodeWithId(state, id) === undefined;
    const node = { name: agent.name, address: agent.address, ...(free ? { id } : {}) };
    return { node, nodeMode: 'ensure', checks: [aliveCheck] };
  }
  if (isCatalogNode(row)) return { node: row, nodeMode: 'ensure', checks: [] };
  const checks = findCheck(state, defaultNamespace, agent.name, serfHealth) === undefined ? [aliveCheck] : [];
  return movesNode(row, agent)
    ? { node: { ...row, address: agent.address }, nodeMode: 'update', checks }
    : { node: row, nodeMode: 'ensure', checks };
}

/** Whether a registration moves the agent's node to another address. */
export function movesNode(row: RowOf<'node'> | undefined, { address }: AgentNode): boolean {
  return row !== undefined && !isCatalogNode(row) && row.address !== address;
}

/** Makes sure that the agent's node and its check exist. */
export async function enrol({ registry, identity }: Context, agent: AgentNode): Promise<void> {
  const { state } = registry;
  if (findCheck(state, defaultNamespace, agent.name, serfHealth) !== undefined) return;
  await registry.submit({ kind: 'register', namespace: defaultNamespace, ...enrolment(state, agent, identity) });
}
