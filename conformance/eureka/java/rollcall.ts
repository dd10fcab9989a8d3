/** A Rollcall in a process of its own, on disk, always on the same port. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProcess, serving } from '../../cluster/node-process.ts';

export interface Rollcall {
  readonly url: string;
  /** For clients of Eureka. */
  readonly eurekaUrl: string;
  /** @param peers URLs of Eureka servers to replicate with */
  start(peers?: readonly string[]): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, removes its data. */
  stop(): Promise<void>;
}

/** It does not run yet. */
export async function rollcall(): Promise<Rollcall> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-eureka-'));
  let peers: readonly string[] = [];
  const command = (port: number) => serving('rollcall', ['--data-dir', join(folder, 'data'), ...peers.flatMap((peer) => ['--eureka-peer', peer])])(port);
  const node = await nodeProcess({ name: 'rollcall', command, logFile: join(folder, 'log') });
  return {
    url: node.url,
    eurekaUrl: `${node.url}/eureka`,
    start(named = []) {
      peers = named;
      return node.start();
    },
    kill: () => node.kill(),
    async stop() {
      await node.stop();
      await node.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
