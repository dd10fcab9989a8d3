/**
 * Finds the principal of a connection, which vouches for instances and cannot be invented by the client. Self-preservation
 * weighs losses by principal (`health/self-preservation.ts`).
 */

import type { Caller } from '../security/acl.ts';
import { anonymousAccessor } from '../security/well-known.ts';
import { plainAddress } from './agent-node.ts';

/**
 * The public id of the token of a caller; without a token, the address of the client.
 * @param remoteAddress from `peerAddress`; empty on a Unix socket
 */
export function principalOf({ accessorId }: Pick<Caller, 'accessorId'>, remoteAddress: string): string {
  if (accessorId !== '' && accessorId !== anonymousAccessor) return `token ${accessorId}`;
  return `address ${remoteAddress === '' ? 'unix' : plainAddress(remoteAddress)}`;
}
