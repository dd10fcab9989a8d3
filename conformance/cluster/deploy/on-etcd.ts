/**
 * Several nodes on an etcd cluster. Every connection of clients to nodes, and of each node to each member, goes through a proxy of its
 * own; those between members do if they are to fail.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEtcdCluster, type EtcdCluster } from '../../etcd/start.mjs';
import type { Deployment } from '../deployment.ts';
import { clockFaults, fakeClock, type FakeClock } from '../fault/clock.ts';
import { etcdFaults, restoredFault } from '../fault/etcd-faults.ts';
import { clientProxies, linkFaults } from '../fault/link-faults.ts';
import { MemberLinks } from '../fault/member-links.ts';
import { nodeFaults } from '../fault/node-faults.ts';
import { faultProxy, type FaultProxy } from '../fault/proxy.ts';
import { nodeProcess, ownProgram, serving, type NodeProcess } from '../node-process.ts';

export interface OnEtcdOptions {
  /** 3 by default. */
  readonly nodes?: number;
  readonly members?: number;
  /** Whether the clocks of nodes can jump, which makes each look at the time slower; false by default. */
  readonly clocks?: boolean;
  /** The processor core on which every node runs; any by default. */
  readonly core?: number;
  /** Whether the links between members can fail, which puts proxies between them; false by default. */
  readonly partitions?: boolean;
  /** Whether older snapshots are restored, which makes the store forget acknowledged writes; false by default. */
  readonly restores?: boolean;
  /** Whether nodes reach etcd without proxies, which would slow a measurement; then the links to the store have no faults. */
  readonly direct?: boolean;
  /** The command line that a node runs, by its name, asked at each start; that of this checkout by default. */
  readonly programOf?: (name: string) => string;
}

export interface OnEtcd extends Deployment {
  readonly nodes: readonly NodeProcess[];
  readonly etcd: EtcdCluster;
}

/** @param folder of the logs of the nodes */
export async function onEtcd(folder: string, options: OnEtcdOptions = {}): Promise<OnEtcd> {
  const { nodes: nodeCount = 3, members = 3, clocks: fake = false, partitions = false, restores = false, core, direct = false, programOf = () => ownProgram } = options;
  mkdirSync(folder, { recursive: true });
  const memberLinks = partitions ? new MemberLinks() : undefined;
  const etcd = await startEtcdCluster(members, memberLinks === undefined ? {} : { advertised: (name, url) => memberLinks.advertise(name, url) });
  const nodes: NodeProcess[] = [];
  const clocks: FakeClock[] = [];
  const storeLinks: { readonly name: string; readonly proxies: readonly FaultProxy[] }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()));
    await Promise.all(storeLinks.flatMap(({ proxies }) => proxies.map((proxy) => proxy.close())));
    await etcd.stop();
    await memberLinks?.close();
  };
  try {
    for (let index = 1; index <= nodeCount; index++) {
      const name = `n${index}`;
      const proxies = await Promise.all((direct ? [] : etcd.urls).map((url) => faultProxy(() => ({ host: new URL(url).hostname, port: Number(new URL(url).port) }))));
      if (!direct) storeLinks.push({ name: `store of ${name}`, proxies });
      const urls = direct ? etcd.urls : proxies.map(({ host, port }) => `http://${host}:${port}`);
      const clock = fake ? fakeClock(folder, name) : undefined;
      if (clock !== undefined) clocks.push(clock);
      // An older version may not know the option.
      nodes.push(await nodeProcess({ name, core, zookeeper: options.programOf === undefined, env: clock?.env ?? {}, command: serving(name, ['--engine', `etcd:${urls.join()}`], () => programOf(name)), logFile: join(folder, `${name}.log`) }));
    }
    await Promise.all(nodes.map((node) => node.start()));
  } catch (error) {
    await close();
    throw error;
  }
  const clientLinks = nodes.map((node) => ({ name: `clients to ${node.name}`, proxies: clientProxies(node) }));
  return {
    name: 'etcd',
    nodes,
    etcd,
    faults: [...nodeFaults(nodes), ...etcdFaults(etcd), ...(memberLinks?.faults(etcd) ?? []), ...(restores ? [restoredFault(etcd)] : []), ...clockFaults(clocks), ...linkFaults([...storeLinks, ...storeLinks, ...clientLinks])],
    problems: () => nodes.flatMap((node) => node.problems),
    close,
  };
}
