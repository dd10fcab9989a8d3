/** Finds the address of this machine towards a registry, from the routing table. */

import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';

/**
 * The local address of the route to a server. Connecting a UDP socket asks the kernel for it and
 * sends nothing.
 *
 * @param server a base URL
 * @returns undefined when there is no route, or the name cannot be resolved now
 */
export async function ownAddress(server: string): Promise<string | undefined> {
  const url = new URL(server);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  try {
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject);
        // Any port but 0 does.
        socket.connect(9, address, () => resolve());
      });
      return socket.address().address;
    } finally {
      socket.close();
    }
  } catch {
    return undefined;
  }
}
