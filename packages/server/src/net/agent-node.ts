/**
 * Which node a client speaks for. Consul puts an agent on every machine and an instance belongs to
 * the agent it was registered with; Rollcall has no agents on machines, so each client address is
 * its own virtual agent and node, and two hosts that register the id `web` do not collide.
 *
 * Loopback clients and those of a Unix socket are the server's own node. Others get `ip-10-0-0-7` for 10.0.0.7, unless the
 * configuration names that address, or the request names its node in `X-Rollcall-Node`.
 */

import type { Socket } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Identity } from './frontend.ts';

export interface AgentNode {
  readonly name: string;
  readonly address: string;
}

/** Header by which a client (behind NAT, say) names the node it speaks for. */
export const nodeHeader = 'x-rollcall-node';

const nameMax = 253;
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * @param remoteAddress as `peerAddress` gives it
 * @throws RegistryError `invalid_argument` when `named` is no node name; `cancelled` without an address
 */
export function agentNode(
  identity: Identity,
  remoteAddress: string | undefined,
  named: string | undefined,
): AgentNode {
  if (remoteAddress === undefined) throw new RegistryError('cancelled', 'the client went away');
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
 * The address of the other end: empty for a Unix socket, which is local; undefined when the connection is gone,
 * which has no address any more and must not pass for a local one.
 */
export function peerAddress(socket: Socket): string | undefined {
  if (socket.destroyed) return undefined;
  // A connection that was reset still knows its own end; a Unix socket never has one.
  return socket.remoteAddress ?? (socket.localAddress === undefined ? '' : undefined);
}

/** `::ffff:10.0.0.7` is 10.0.0.7; zone identifiers are dropped. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? bare;
}

function isLoopback(address: string): boolean {
  return address === '' || address === '::1' || address.startsWith('127.');
}
