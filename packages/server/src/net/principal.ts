/**
 * Finds the principal of a connection, which vouches for instances and cannot be invented by the client. Self-preservation
 * weighs losses by principal (`health/self-preservation.ts`).
 */

import type { Caller } from '../security/acl.ts';
import { anonymousAccessor } from '../security/well-known.ts';
import { plainAddress } from './agent-node.ts';

/** The public id of the token of a caller; undefined without one. */
export function tokenOf({ accessorId }: Pick<Caller, 'accessorId'>): string | undefined {
  return accessorId === '' || accessorId === anonymousAccessor ? undefined : accessorId;
}

/**
 * The public id of the token of a caller; without a token, the address of the client.
 * @param remoteAddress from `peerAddress`; empty on a Unix socket
 */
export function principalOf(caller: Pick<Caller, 'accessorId'>, remoteAddress: string): string {
  const token = tokenOf(caller);
  if (token !== undefined) return `token ${token}`;
  return `address ${remoteAddress === '' ? 'unix' : plainAddress(remoteAddress)}`;
}
