/**
 * Two servers in this process on one memory engine, the quickest deployment with more than one writer. Commits and events take some
 * milliseconds, as between machines. The faults concern the way of each server to the store: its feed is late or lost, or the
 * store cannot be reached.
 */

import { randomUUID } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import { createServer, memory, type Engine, type Server } from '@rollcall/server';
import type { MemoryEngine } from '../../../packages/server/src/engine/memory/memory.ts';
import type { ClusterNode, Deployment, FaultKind } from '../deployment.ts';
import { clientProxies, linkFaults } from '../fault/link-faults.ts';
import { packetRelay, type PacketBug, type PacketRelay } from '../fault/packet-relay.ts';
import { faultProxy, type FaultProxy } from '../fault/proxy.ts';
import { seeded, type Random } from '../seeded.ts';
import { sleep, zookeeperTickMs } from '../workload/scene.ts';

/** A bug that is planted between a server and its engine; a test checks that a run catches it. */
export type Planted = (engine: Engine) => Engine;

interface Inside {
  readonly node: ClusterNode;
  readonly server: Server;
  readonly store: StoreLink;
  readonly endPresence: () => void;
  readonly relay: PacketRelay | undefined;
}

/** @param packets a bug in what ZooKeeper's clients and servers tell each other */
export async function pair(planted: Planted = (engine) => engine, packets?: PacketBug): Promise<Deployment> {
  const engine = memory();
  const inside: Inside[] = [];
  const problems: string[] = [];
  for (const name of ['n1', 'n2']) {
    const store = storeLink(engine, seeded(inside.length));
    const nodeId = randomUUID();
    const server = await createServer({ engine: planted(store.engine), nodeName: name, nodeId, zookeeper: { port: 0, tickMs: zookeeperTickMs } });
    void server.fatal.then((error) => problems.push(`server ${name} could not follow its log: ${error.message}`));
    const { hostname: host, port } = new URL(server.url);
    const target = () => ({ host, port: Number(port) });
    const relay = packets && (await packetRelay(() => server.ports.zookeeper ?? 0, packets));
    const zookeeper = await faultProxy(() => ({ host, port: relay?.port ?? server.ports.zookeeper ?? 0 }));
    inside.push({ node: { name, url: server.url, link: await faultProxy(target), home: await faultProxy(target), zookeeper }, server, store, endPresence: () => engine.presence.end(nodeId), relay });
  }
  return {
    name: 'pair',
    nodes: inside.map(({ node }) => node),
    faults: [...storeFaults(inside), ...lossFaults(inside), ...linkFaults(inside.map(({ node }) => ({ name: `clients to ${node.name}`, proxies: clientProxies(node) })))],
    problems: () => problems,
    async close() {
      for (const { server, node, relay } of inside) {
        await server.close();
        relay?.close();
        await node.link.close();
        await node.home.close();
        await node.zookeeper?.close();
      }
      await engine.close();
    },
  };
}

interface StoreLink {
  readonly engine: Engine;
  /** Holds the feed back; `false` shows the transactions that were held back. */
  hold(held: boolean): void;
  /** Ends the feed; it can be followed again when the store can be reached. */
  lose(): void;
  reachable: boolean;
}

/** A delay as between machines: without it, a server would know each commit of the other before its own next decision. */
const latencyMsMax = 12;

function storeLink(inner: MemoryEngine, random: Random): StoreLink {
  let held: Promise<void> | undefined;
  let release = (): void => {};
  let lost = new AbortController();
  const unavailable = () => new RegistryError('unavailable', 'the store cannot be reached (a fault of the test)');
  const assertReachable = (): void => {
    if (!link.reachable) throw unavailable();
  };
  const link: StoreLink = {
    engine: {
      ...inner,
      exclusive: false,
      async *changes(options) {
        assertReachable();
        const { signal } = lost;
        const wait = () => sleep(random.below(latencyMsMax));
        const gone = new Promise<'lost'>((resolve) => signal.addEventListener('abort', () => resolve('lost')));
        const events = inner.changes(options)[Symbol.asyncIterator]();
        try {
          for (;;) {
            const next = await Promise.race([events.next(), gone]);
            if (next === 'lost') throw unavailable();
            if (next.done === true) return;
            if (next.value.kind === 'transaction' && held !== undefined && (await Promise.race([held, gone])) === 'lost') throw unavailable();
            if (next.value.kind === 'transaction') await wait();
            yield next.value;
          }
        } finally {
          void events.return?.();
        }
      },
      async commit(transaction) {
        assertReachable();
        await sleep(random.below(latencyMsMax));
        return inner.commit(transaction);
      },
      async barrier() {
        assertReachable();
        return inner.barrier();
      },
      presence: {
        ...inner.presence,
        async hold(nodeId) {
          assertReachable();
          const own = await inner.presence.hold(nodeId);
          // A node that gets no transactions does not learn of its own removal, either.
          const lost = own.lost.then(async (reason) => {
            await held;
            return reason;
          });
          return { ...own, lost };
        },
      },
      // The other server uses it, too.
      close: async () => {
        link.lose();
      },
    },
    hold(wanted) {
      release();
      held = wanted ? new Promise((resolve) => (release = resolve)) : undefined;
    },
    lose() {
      lost.abort();
      lost = new AbortController();
    },
    reachable: true,
  };
  return link;
}

function storeFaults(inside: readonly Inside[]): FaultKind[] {
  const fault = (name: string, begin: (store: StoreLink) => void, end: (store: StoreLink) => void): FaultKind => ({
    name,
    lastsMs: [300, 2_500],
    async begin(random) {
      const chosen = random.pick(inside);
      if (chosen !== undefined) begin(chosen.store);
      return {
        what: `${name} of ${chosen?.node.name ?? 'none'}`,
        async end() {
          if (chosen !== undefined) end(chosen.store);
        },
      };
    },
  });
  return [
    fault('late feed', (store) => store.hold(true), (store) => store.hold(false)),
    fault('lost feed', (store) => store.lose(), () => {}),
    fault(
      'unreachable store',
      (store) => {
        store.reachable = false;
        store.lose();
      },
      (store) => {
        store.reachable = true;
      },
    ),
  ];
}

/**
 * The other node removes a node whose presence has ended, and clients cannot reach it; it comes back later with its old state.
 */
function lossFaults(inside: readonly Inside[]): FaultKind[] {
  const fault = (name: string, begin: (store: StoreLink) => void, end: (store: StoreLink) => void, cut: (proxy: FaultProxy) => () => void): FaultKind => ({
    name,
    lastsMs: [6_000, 7_000],
    async begin(random) {
      const chosen = random.pick(inside);
      if (chosen === undefined) throw new Error('there is no server');
      const { node, store, endPresence } = chosen;
      begin(store);
      const links = [...clientProxies(node), node.home].map((proxy) => {
        proxy.set({ refused: true });
        return cut(proxy);
      });
      endPresence();
      return {
        what: `${name} ${node.name}`,
        async end() {
          for (const endCut of links) endCut();
          for (const proxy of [...clientProxies(node), node.home]) proxy.heal();
          end(store);
        },
      };
    },
  });
  return [
    fault(
      'dead node',
      (store) => {
        store.reachable = false;
        store.lose();
      },
      (store) => {
        store.reachable = true;
      },
      (proxy) => {
        proxy.cut();
        return () => {};
      },
    ),
    // Like a frozen process that wakes up: it finds its connections closed at the end, and commits decisions that it makes from
    // its old state. If it saw them close while it could commit, it would rightly treat the clients as dead until they come
    // back.
    fault('blind node', (store) => store.hold(true), (store) => store.hold(false), (proxy) => proxy.cutNear()),
  ];
}
