/** A server for each test of a file, and clients of it that are closed when the test ends. */

import { createServer, type Server } from '@rollcall/server';
import { afterEach, beforeEach } from 'vitest';
import { connect, type ConnectOptions, type Rollcall } from './index.ts';

export interface OneServer {
  /** That of the test that runs. */
  readonly server: () => Server;
  /** A new client. Events that no listener takes are not printed. */
  readonly client: (options?: ConnectOptions) => Promise<Rollcall>;
}

/** To be called once in a test file, outside its tests. */
export function oneServer(): OneServer {
  let server: Server;
  const clients: Rollcall[] = [];
  beforeEach(async () => {
    server = await createServer({ nodeName: 'here' });
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await server.close();
  });
  return {
    server: () => server,
    async client(options = {}) {
      const rollcall = await connect({ servers: [server.url], onEvent: () => {}, ...options });
      clients.push(rollcall);
      return rollcall;
    },
  };
}
