/**
 * Virtual agents: the node of a client's agent calls (`net/agent-node.ts` chooses it), and
 * the id of that node. Its rows in the registry: `agent/enrolment.ts`.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type AgentNode, agentNode, nodeHeader, peerAddress } from '../../../net/agent-node.ts';
import type { Identity } from '../../../net/frontend.ts';
import { unescapePath } from '../wire/params.ts';
import { headerOf } from '../wire/responses.ts';
import type { Incoming } from './call.ts';

/**
 * @throws RegistryError `invalid_argument` for a bad `X-Rollcall-Node`; `cancelled` if the client has disconnected
 */
export function agentOf(request: IncomingMessage, identity: Identity): AgentNode {
  return agentNode(identity, peerAddress(request.socket), headerOf(request, nodeHeader));
}

/** A service or check on an agent. */
export interface OnAgent {
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
}

/** The service or check on the caller's agent that the rest of the path names. */
export function namedOnAgent({ exchange, identity, namespace, rest }: Incoming): OnAgent {
  return { namespace, node: agentOf(exchange.request, identity).name, id: unescapePath(rest) };
}

/**
 * The node's id. The server's own is stored; others are derived from their name, so that every
 * server computes the same.
 */
export function agentId(name: string, identity: Identity): string {
  if (name === identity.nodeName) return identity.nodeId;
  const digest = createHash('sha256').update(`rollcall agent\0${identity.datacenter}\0${name}`).digest();
  // A UUID of version 8 (RFC 9562 §5.8), whose content the application chooses.
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
