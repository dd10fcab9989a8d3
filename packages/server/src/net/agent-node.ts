/**
 * Finds the node of a client. In Consul, an agent runs on every machine, and an instance belongs to the agent with which it was
 * registered. Rollcall has no agents, so each client address is a virtual agent with its own node, and two hosts that
 * register the id `web` do not collide.
 *
 * Clients on loopback and on a Unix socket have the server's own node. Other clients have `ip-10-0-0-7` for 10.0.0.7, unless
 * the configuration names the node of that address, or the request names it in `X-Rollcall-Node`.
 */

import type { Socket } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Identity } from './frontend.ts';

export interface AgentNode {
  readonly name: string;
  readonly address: string;
}

/** Header in which a client names its node, for example behind NAT. */
export const nodeHeader = 'x-rollcall-node';

const nameMax = 253;
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * @param remoteAddress from `peerAddress`
 * @throws RegistryError `invalid_argument` when `named` is not a node name; `cancelled` when the connection is gone
 */
export function agentNode(
  identity: Identity,
  remoteAddress: string | undefined,
  named: string | undefined,
): AgentNode {
  if (remoteAddress === undefined) throw new RegistryError('cancelled', 'the client has disconnected');
  const address = plainAddress(remoteAddress);
  const local = isLoopback(address);
  const nodeAddress = local ? identity.address : address;
  if (named !== undefined) {
    if (named.length > nameMax || !nameForm.test(named)) {
      const message = `${nodeHeader} ${JSON.stringify(named.slice(0, 80))} is not a node name: use letters, digits, dots, dashes and underscores, at most ${nameMax}`;
      throw new RegistryError('invalid_argument', message);
    }
    return { name: named, address: nodeAddress };
  }
  const configured = identity.agentNames[address];
  if (configured !== undefined) return { name: configured, address: nodeAddress };
  if (local) return { name: identity.nodeName, address: nodeAddress };
  return { name: `ip-${address.replace(/[^A-Za-z0-9]+/g, '-')}`, address };
}

/**
 * The address of the client: empty on a Unix socket, which is local; undefined when the connection is gone, which must
 * not count as local.
 */
export function peerAddress(socket: Socket): string | undefined {
  if (socket.destroyed) return undefined;
  // A TCP connection that was reset still has its local address; a Unix socket never has one.
  return socket.remoteAddress ?? (socket.localAddress === undefined ? '' : undefined);
}

/** Writes `::ffff:10.0.0.7` as 10.0.0.7 and drops zone identifiers. */
export function plainAddress(address: string): string {
  // An IPv4 address has neither a zone nor a mapping.
  if (!address.includes(':')) return address;
  const bare = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? bare;
}

function isLoopback(address: string): boolean {
  return address === '' || address === '::1' || address.startsWith('127.');
}
