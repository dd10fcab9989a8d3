/** Several servers on one store in memory, for tests of what does not depend on the server that is asked. */

import type { Engine } from './engine/engine.ts';
import { memory, type MemoryEngine } from './engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

export class OneStore {
  readonly store: MemoryEngine = memory();
  /** For each server: the one that closes leaves the store to the others. */
  readonly engine: Engine = { ...this.store, exclusive: false, close: () => Promise.resolve() };
  readonly servers: Server[] = [];

  /** @param options of each server */
  static async with(nodeNames: readonly string[], options: ServerOptions = {}): Promise<OneStore> {
    const all = new OneStore();
    for (const nodeName of nodeNames) await all.start({ ...options, nodeName });
    return all;
  }

  async start(options: ServerOptions): Promise<Server> {
    const server = await createServer({ engine: this.engine, ...options });
    this.servers.push(server);
    return server;
  }

  at(index: number): Server {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`there is no server ${index}`);
    return server;
  }

  /** Waits until all servers have applied the newest revision of the store. */
  async settled(): Promise<void> {
    for (const { registry } of this.servers) await registry.barrier();
  }

  async close(): Promise<void> {
    for (const server of this.servers) await server.close();
    await this.store.close();
  }
}
