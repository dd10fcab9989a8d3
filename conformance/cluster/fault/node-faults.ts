/** Faults of nodes in separate processes: killed, frozen, stopped and started again. */

import type { FaultKind } from '../deployment.ts';
import type { NodeProcess } from '../node-process.ts';

/** @param nodes of which each fault takes one */
export function nodeFaults(nodes: readonly NodeProcess[]): FaultKind[] {
  const fault = (name: string, lastsMs: FaultKind['lastsMs'], begin: (node: NodeProcess) => Promise<() => Promise<void>>): FaultKind => ({
    name: `node ${name}`,
    lastsMs,
    async begin(random) {
      const node = random.pick(nodes);
      if (node === undefined) throw new Error('there is no node');
      return { what: `node ${node.name} ${name}`, end: await begin(node) };
    },
  });
  return [
    fault('killed', [300, 4_000], async (node) => {
      await node.kill();
      return () => node.start();
    }),
    fault('frozen', [500, 8_000], async (node) => {
      node.freeze();
      return async () => node.thaw();
    }),
    fault('restarted', [0, 0], async (node) => {
      await node.stop();
      return () => node.start();
    }),
  ];
}
