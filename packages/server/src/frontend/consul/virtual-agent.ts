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
import { headerOf } from './wire.ts';

/** Id and name of the service that stands for the servers. */
const serverService = 'consul';

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

const aliveCheck: CheckInput = {
  id: serfHealth,
  name: 'Serf Health Status',
  status: 'passing',
  output: 'Agent alive and reachable',
};

/** What a registration by an agent says about its node. */
export function enrolment(
  state: State,
  agent: AgentNode,
  identity: Identity,
): Pick<Register, 'node' | 'nodeMode'> & { readonly checks: readonly CheckInput[] } {
  const row = find.node(state, agent.name);
  const alive = find.check(state, agent.name, serfHealth);
  const checks = alive === undefined ? [aliveCheck] : [];
  if (row === undefined) {
    const id = agentId(agent.name, identity);
    return { node: { name: agent.name, id, address: agent.address }, nodeMode: 'ensure', checks };
  }
  // An agent that moved (a container with a fixed name) takes its node along; a node that somebody
  // else wrote into the catalog has no agent and keeps its address.
  const moved = alive !== undefined && row.address !== agent.address;
  return { node: { ...row, address: agent.address }, nodeMode: moved ? 'update' : 'ensure', checks };
}

/** Makes sure that the agent's node and its check exist. */
export async function enrol({ registry, identity }: Context, agent: AgentNode): Promise<void> {
  const { state } = registry;
  if (find.check(state, agent.name, serfHealth) !== undefined) return;
  await registry.submit({ kind: 'register', ...enrolment(state, agent, identity) });
}

/**
 * Registers the server's own node, with the service `consul` and its check. Changes nothing, and so
 * moves no revision, when the registry has it already.
 */
export async function registerSelf({ registry, identity }: Context): Promise<void> {
  const { nodeName, nodeId, address, nodeMeta } = identity;
  const before = find.node(registry.state, nodeName);
  await registry.submit({
    kind: 'register',
    node: { ...before, name: nodeName, id: nodeId, address, ...(nodeMeta === undefined ? {} : { meta: nodeMeta }) },
    nodeMode: 'update',
    instances: [{ id: serverService, service: serverService, port: serverPort }],
    checks: [aliveCheck],
  });
}
