/** Faults of links: those of the proxy, as kinds of fault from which a plan chooses. */

import type { ClusterNode, FaultKind } from '../deployment.ts';
import type { FaultProxy, LinkFault } from './proxy.ts';

export interface NamedLink {
  readonly name: string;
  readonly proxies: readonly FaultProxy[];
}

/** All links of clients to a node fail together. */
export const clientProxies = ({ link, zookeeper }: ClusterNode): FaultProxy[] => (zookeeper === undefined ? [link] : [link, zookeeper]);

const lanes: Readonly<Record<string, LinkFault>> = {
  'blocked towards the server': { up: { blocked: true } },
  'blocked towards the client': { down: { blocked: true } },
  'blocked both ways': { up: { blocked: true }, down: { blocked: true } },
  'refused': { refused: true },
  'delayed by 300 ms': { up: { delayMs: 150 }, down: { delayMs: 150 } },
  'slow': { up: { bytesPerSecond: 20_000 }, down: { bytesPerSecond: 20_000 } },
  'in slices of 7 bytes': { up: { sliceBytes: 7 }, down: { sliceBytes: 7 } },
};

/** @param links of which each fault takes one */
export function linkFaults(links: readonly NamedLink[]): FaultKind[] {
  const kinds = Object.entries(lanes).map(
    ([name, fault]): FaultKind => ({
      name: `link ${name}`,
      lastsMs: [500, 4_000],
      async begin(random) {
        const link = random.pick(links);
        for (const proxy of link?.proxies ?? []) {
          proxy.set(fault);
          // Refusing new connections alone would leave the open ones intact.
          if (fault.refused === true) proxy.cut();
        }
        return {
          what: `${link?.name ?? 'no link'} ${name}`,
          async end() {
            for (const proxy of link?.proxies ?? []) proxy.heal();
          },
        };
      },
    }),
  );
  const once = (name: string, act: (proxy: FaultProxy) => void): FaultKind => ({
    name: `link ${name}`,
    lastsMs: [0, 0],
    async begin(random) {
      const link = random.pick(links);
      for (const proxy of link?.proxies ?? []) act(proxy);
      return { what: `${link?.name ?? 'no link'} ${name}`, end: async () => {} };
    },
  });
  return [...kinds, once('cut', (proxy) => proxy.cut()), once('half-open', (proxy) => proxy.halfOpen())];
}
