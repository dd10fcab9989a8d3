/** One node with its log on disk. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../deployment.ts';
import { clockFaults, fakeClock } from '../fault/clock.ts';
import { clientProxies, linkFaults } from '../fault/link-faults.ts';
import { nodeFaults } from '../fault/node-faults.ts';
import { nodeProcess, serving } from '../node-process.ts';

/**
 * @param folder of its data and log
 * @param args more options of `rollcall serve`
 */
export async function single(folder: string, args: readonly string[] = []): Promise<Deployment> {
  mkdirSync(folder, { recursive: true });
  const clock = fakeClock(folder, 'n1');
  const node = await nodeProcess({ name: 'n1', zookeeper: true, env: clock.env, command: serving('n1', ['--data-dir', join(folder, 'data'), ...args]), logFile: join(folder, 'n1.log') });
  try {
    await node.start();
  } catch (error) {
    await node.close();
    throw error;
  }
  return {
    name: 'single',
    nodes: [node],
    faults: [...nodeFaults([node]), ...clockFaults([clock]), ...linkFaults([{ name: 'clients to n1', proxies: clientProxies(node) }])],
    problems: () => node.problems,
    close: () => node.close(),
  };
}
