/** Free ports of loopback, for programs that cannot choose one themselves. Another process may take one before its use. */

import { once } from 'node:events';
import { createServer } from 'node:net';

/** @param count of different ports */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
