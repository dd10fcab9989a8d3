/**
 * Virtual agents: the node that a client's agent calls are about (`net/agent-node.ts` says which), and
 * what the registry must hold for it: the node with the check `serfHealth`, which Consul's agents have
 * and sessions depend on by default. The server's own node has the service `consul`, too.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { agentNode, nodeHeader, peerAddress, type AgentNode } from '../../net/agent-node.ts';
import type { Context, Identity } from '../../net/frontend.ts';
import type { CheckInput, Register } from '../../registry/command.ts';
import { serfHealth } from '../../registry/known-checks.ts';
import { find } from '../../registry/reader.ts';
import type { State } from '../../registry/state.ts';
import { isCatalogNode } from './translate.ts';
import { headerOf } from './wire.ts';

/** Id and name of the service that stands for the servers. */
export const serverService = 'consul';

/** Where Consul's servers talk to each other; nothing listens there, but clients show the address. */
export const serverPort = 8300;

/** Whether an instance is the servers' own: it belongs to the catalog, and no agent lists or removes it. */
export function isServersOwn(identity: Identity, node: string, instance: string): boolean {
  return instance === serverService && node === identity.nodeName;
}

/**
 * @throws RegistryError `invalid_argument` for a bad `X-Rollcall-Node`; `cancelled` when the client is gone
 */
export function agentOf(request: IncomingMessage, identity: Identity): AgentNode {
  return agentNode(identity, peerAddress(request.socket), headerOf(request, nodeHeader));
}

/**
 * The node's id: the server's own is kept in the store; others follow from their name, so that every
 * server gives the same.
 */
export function agentId(name: string, identity: Identity): string {
  if (name === identity.nodeName) return identity.nodeId;
  const digest = createHash('sha256').update(`rollcall agent\0${identity.datacenter}\0${name}`).digest();
  // A UUID of version 8 (RFC 9562 §5.8): its content is ours to choose.
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export const aliveCheck: CheckInput = {
  id: serfHealth,
  name: 'Serf Health Status',
  status: 'passing',
  output: 'Agent alive and reachable',
};

/**
 * What a registration by an agent says about its node: that it is there, with its check. An agent that moved (a container
 * with a fixed name) takes its node along. A node that the catalog API has written is another's: services and checks
 * may be added to it, but its address stays, and no check says that an agent is alive there. The same for the first
 * registration and every later one.
 */
export function enrolment(
  state: State,
  agent: AgentNode,
  identity: Identity,
): Pick<Register, 'node' | 'nodeMode'> & { readonly checks: readonly CheckInput[] } {
  const row = find.node(state, agent.name);
  if (row === undefined) {
    const id = agentId(agent.name, identity);
    // A node of the catalog may have been given this id; it keeps it, and its name.
    const free = find.nodeWithId(state, id) === undefined;
    const node = { name: agent.name, address: agent.address, ...(free ? { id } : {}) };
    return { node, nodeMode: 'ensure', checks: [aliveCheck] };
  }
  if (isCatalogNode(row)) return { node: row, nodeMode: 'ensure', checks: [] };
  const checks = find.check(state, agent.name, serfHealth) === undefined ? [aliveCheck] : [];
  const moved = row.address !== agent.address;
  return { node: { ...row, address: agent.address }, nodeMode: moved ? 'update' : 'ensure', checks };
}

/** Makes sure that the agent's node and its check exist. */
export async function enrol({ registry, identity }: Context, agent: AgentNode): Promise<void> {
  const { state } = registry;
  if (find.check(state, agent.name, serfHealth) !== undefined) return;
  await registry.submit({ kind: 'register', ...enrolment(state, agent, identity) });
}
