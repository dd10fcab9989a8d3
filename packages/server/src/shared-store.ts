/**
 * Joins this server to the other nodes of its store, if there are any: membership, ownership, and heartbeats forwarded
 * over the channel. The composition root creates it. It has nothing to do on a store that only one server uses.
 */

import type { OwnFacts } from './all-facts.ts';
import type { OwnProcess } from './all-processes.ts';
import { toRegistryError } from '@rollcall/protocol';
import { makeChannel, type Channel } from './channel.ts';
import type { Clients } from './clients/clients.ts';
import type { ZoneLoads } from './clients/zone-loads.ts';
import { Cluster } from './cluster/cluster.ts';
import type { ClusterKey } from './cluster/cluster-key.ts';
import type { Readers } from './configurations/readers.ts';
import type { Core } from './core.ts';
import { NodeEngine } from './engine/node/node.ts';
import { soleOwner, type Ownership } from './health/ownership.ts';
import { httpAddresses, nodesAddress, urlOf } from './listen-addresses.ts';
import type { Ports } from './listeners.ts';
import { assertServable } from './migrate.ts';
import { membersOf } from './registry/kind/member/find.ts';
import { membersView } from './registry/kind/member/views.ts';
import { recordsView } from './registry/kind/record/views.ts';
import { kinds } from './registry/kinds.ts';
import { noNamespace } from './registry/row.ts';
import type { Identity } from './net/frontend.ts';
import type { ServerOptions } from './server-options.ts';

export interface SharedStore {
  readonly channel: Channel;
  readonly ownership: Ownership;
  /** Whether other nodes may share the store. */
  readonly isShared: boolean;
  /** Becomes a member, after the listeners are open. @param onChange called from then on when the members have changed */
  join(ports: Ports, onChange: () => void): Promise<void>;
  /** Gets no new deadlines from now on. */
  drain(): Promise<void>;
  /** Ends the membership; takes at most some seconds. Idempotent. */
  leave(): Promise<void>;
}

const nothing = () => Promise.resolve();

export interface ShareOptions {
  readonly identity: Identity;
  /** Undefined when only this server uses the store. */
  readonly key: ClusterKey | undefined;
  /** The status of this process. */
  readonly status: OwnProcess['status'];
  readonly facts: () => OwnFacts;
  /** Who reads configurations through this process. */
  readonly readers: Readers;
  /** The clients of this process. */
  readonly clients: Clients;
  /** The load that clients report to this process. */
  readonly zoneLoads: ZoneLoads;
}

export function shareStore(core: Core, { identity, key, status, facts, readers, clients, zoneLoads }: ShareOptions, options: ServerOptions): SharedStore {
  const { engine, replica, liveness, clock, log, metrics, fail } = core;
  const { nodeName: name, version } = identity;
  const isWorker = options.worker !== undefined;
  const kind = isWorker ? { worker: true as const } : engine instanceof NodeEngine ? { edge: true as const } : {};
  const nodeId = options.worker?.memberId ?? identity.nodeId;
  const own = { identity, key, status, facts, readers, clients, zoneLoads, isWorker, memberId: nodeId, unsafeAllowPlaintext: options.unsafeAllowPlaintext };
  if (engine.exclusive || engine.presence === undefined) {
    const channel = makeChannel(core, { ...own, takesFollowers: key !== undefined });
    return { channel, ownership: soleOwner(nodeId), isShared: false, join: nothing, drain: nothing, leave: nothing };
  }
  const cluster = new Cluster({
    ...{ registry: replica, liveness, presence: engine.presence, clock, log, metrics, nodeId, onReplaced: fail },
    peers: { beats: (to, batch) => channel.peers.deliver(to, batch) },
  });
  const channel: Channel = makeChannel(core, {
    ...{ ...own, takesFollowers: !isWorker || options.followers === true, epoch: () => cluster.epoch, members: () => membersOf(replica.state) },
    beats: { deliver: (batch) => cluster.beats(batch) },
  });
  // A member that is gone has an address of its own: the connection to it would be tried again without an end.
  replica.views.watch(membersView(), () => channel.peers.keep(new Set(membersOf(replica.state).map((member) => member.nodeId))));
  // A node that was cut off while the registry moved to another store must not go on with the old one.
  replica.views.watch(recordsView(noNamespace, 'server'), () => {
    try {
      assertServable(replica.state);
    } catch (error) {
      fail(toRegistryError(error));
    }
  });
  return {
    channel,
    ownership: cluster.ownership,
    isShared: true,
    async join(ports, onChange) {
      await cluster.join({ name, version, address: peerUrl(options, identity, ports), reads: kinds.level, ...kind });
      replica.views.watch(membersView(), onChange);
      onChange();
    },
    drain: () => cluster.drain(),
    leave: () => cluster.leave(),
  };
}

/** The URL at which other nodes reach this one; with TLS if possible, since they send the key of the store. */
export function peerUrl(options: ServerOptions, { address }: Identity, ports: Ports): string {
  if (options.peerUrl !== undefined) return options.peerUrl;
  const forNodes = nodesAddress(options);
  const addresses = forNodes === undefined ? httpAddresses(options).toReversed() : [forNodes];
  const reachable = addresses.map((each) => ('host' in each.at && isAny(each.at.host) ? { ...each, at: { ...each.at, host: address } } : each));
  return urlOf(reachable, (listener) => ports[listener] ?? 0);
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}
