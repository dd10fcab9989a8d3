/**
 * Joins the channel between nodes to the other parts of this node: its identity, the key that admits other nodes, and the
 * requests that they may make. The composition root creates it; `frontend/peer` serves it.
 */

import type { ExpiryOverride } from '@rollcall/protocol';
import { AllLogLines, logLinesOfWorker, ownLinesMethods } from './all-log-lines.ts';
import { allActivity } from './all-activity.ts';
import { allClients } from './all-clients.ts';
import { allDrift } from './all-drift.ts';
import { allFacts, type Facts, type OwnFacts } from './all-facts.ts';
import type { AllNodes, NodesOptions, OtherNode } from './all-nodes.ts';
import { allLoads } from './all-loads.ts';
import { allOverrides } from './all-overrides.ts';
import { allReaders } from './all-readers.ts';
import { processesOfPrimary, processesOfWorker, type AllProcesses, type OwnProcess } from './all-processes.ts';
import type { AllNodesClients, Clients } from './clients/clients.ts';
import type { ReportedLoads, ZoneLoads } from './clients/zone-loads.ts';
import type { Beats } from './cluster/channel/beat-body.ts';
import type { PeerHello } from './cluster/channel/hello.ts';
import type { Methods } from './cluster/channel/peer.ts';
import { Peers } from './cluster/channel/peers.ts';
import { beatMethods } from './cluster/channel/serve-beats.ts';
import { limitsOf, logMethods } from './cluster/channel/serve-log.ts';
import { presenceMethods } from './cluster/channel/serve-presence.ts';
import type { ClusterKey } from './cluster/cluster-key.ts';
import type { Drift, Readers, Who } from './configurations/readers.ts';
import type { Core } from './core.ts';
import { NodeEngine } from './engine/node/node.ts';
import type { PeerDeps } from './frontend/peer/deps.ts';
import type { ActivityLog } from './net/activity-log.ts';
import type { Identity } from './net/frontend.ts';
import { assertPrivate } from './net/private-url.ts';
import type { ConfigName } from './registry/kind/config/resolve.ts';
import type { Member } from './registry/kind/member/rows.ts';
import { LogTap, type LogLines } from './telemetry/log-tap.ts';
import { auditMethods } from './worker-audit.ts';

export interface Channel {
  readonly deps: PeerDeps;
  /** The nodes that are connected. */
  readonly peers: Peers;
  readonly allProcesses: Omit<AllProcesses, 'methods'>;
  readonly allReaders: Pick<AllNodes<ConfigName, Who>, 'ask'>;
  readonly allClients: AllNodesClients;
  readonly activity: ActivityLog;
  readonly allFacts: Pick<AllNodes<object, Facts>, 'ask'>;
  readonly allLoads: Pick<AllNodes<object, ReportedLoads>, 'ask'>;
  readonly allDrift: AllNodes<{ readonly namespace: string }, Drift>;
  readonly overrideExpiry: () => Promise<ExpiryOverride>;
  /** Of all processes; undefined when the log cannot be followed. */
  readonly logLines: LogLines | undefined;
}

export interface ChannelOptions {
  readonly identity: Identity;
  /** Id of this node, or of this worker of the node. */
  readonly memberId: string;
  /** Whether nodes without the cluster key may follow this one. */
  readonly takesFollowers: boolean;
  /** Whether this process is a worker of the node whose log it follows. */
  readonly isWorker: boolean;
  /** Undefined when only this node uses the store: then it admits no others. */
  readonly key: ClusterKey | undefined;
  /** Accepts the heartbeats that other nodes forward to this one; without it, they are refused. */
  readonly beats?: Beats;
  /** Epoch of this node's membership; 0 by default, for a node that is not a member. */
  readonly epoch?: () => number;
  /** The status of this process. */
  readonly status: OwnProcess['status'];
  /** How this process is. */
  readonly facts: () => OwnFacts;
  /** Who reads configurations through this process. */
  readonly readers: Readers;
  /** The clients of this process. */
  readonly clients: Clients;
  /** The load that clients report to this process. */
  readonly zoneLoads: ZoneLoads;
  /** The members of the store; none by default. */
  readonly members?: () => readonly Member[];
  /** Whether the cluster key may travel to other machines without TLS. */
  readonly unsafeAllowPlaintext?: boolean | undefined;
}

const refusedAddress = 'no heartbeats are sent to this member at its address; start it with --https and --peer-url https://HOST:PORT';

export function makeChannel({ engine, clock, random, log, metrics, liveness, activity, audited: target, peerAuthorities: ca }: Core, options: ChannelOptions): Channel {
  const { identity, memberId, isWorker, takesFollowers, key, beats, epoch = () => 0, status, facts, readers, clients, zoneLoads, members = () => [], unsafeAllowPlaintext = false } = options;
  const { registryId, version } = identity;
  const hello = (): PeerHello => ({ nodeId: memberId, registryId, version, epoch: epoch(), ...(isWorker ? { worker: true } : {}) });
  const store = logMethods(engine);
  const presence = engine.presence === undefined ? {} : presenceMethods(engine.presence, clock);
  const ownLines = LogTap.of(log);
  const allLines = new AllLogLines(ownLines);
  const ofProcesses = isWorker ? ownLinesMethods(ownLines) : allLines.methods;
  const audited = target && auditMethods(target, (nodeId) => peers.workers.has(nodeId));
  const methods = (from: () => string): Methods => ({
    ...{ ...store, ...presence, ...allProcesses.methods, ...ofProcesses, ...ofReaders.methods, ...ofClients.methods, ...ofActivity.methods, ...ofFacts.methods, ...ofLoads.methods, ...ofOverrides.methods, ...ofDrift.methods },
    ...audited?.(from),
    ...(beats && beatMethods(beats, from)),
  });
  const peers: Peers = new Peers({
    ...{ hello, clock, random, methods, ca, secret: () => key?.secret ?? '' },
    assertAllowed: (url) => assertPrivate(url, unsafeAllowPlaintext),
    onRefused: ({ nodeId, address }, { message }) => log.warn({ peer: nodeId, address, reason: message }, refusedAddress),
  });
  const primaryLink = engine instanceof NodeEngine ? engine.link : undefined;
  const own = { metrics, status };
  const allProcesses =
    isWorker && primaryLink !== undefined ? processesOfWorker(own, primaryLink) : processesOfPrimary(own, clock, () => peers.workers);
  const nodes: NodesOptions = {
    clock,
    primary: primaryLink && { name: 'the node that this one follows', call: (method, body) => primaryLink.call(method, body) },
    others: () => otherNodes(peers, members(), memberId),
  };
  const ofReaders = allReaders(nodes, readers, identity.nodeName);
  const ofClients = allClients(nodes, clients);
  const ofActivity = allActivity(nodes, { activity, nodeId: memberId, nodeName: identity.nodeName });
  const ofLoads = allLoads(nodes, zoneLoads);
  const ofFacts = allFacts(nodes, () => ({ nodeId: memberId, ...facts() }));
  const ofOverrides = allOverrides(nodes, () => liveness.override());
  const ofDrift = allDrift(nodes, readers);
  if (engine instanceof NodeEngine) {
    const { link } = engine;
    const primary = () => link.welcome?.nodeId ?? '';
    peers.use(primary, link);
    engine.introduce(hello, methods(primary)).catch((err: unknown) => log.warn({ err }, 'the primary does not know this node yet; it is told again'));
  }
  return {
    peers,
    allProcesses,
    allReaders: ofReaders,
    allClients: ofClients,
    activity: ofActivity,
    allFacts: ofFacts,
    allLoads: ofLoads,
    allDrift: ofDrift,
    overrideExpiry: ofOverrides.override,
    logLines: ownLines && (isWorker && primaryLink !== undefined ? logLinesOfWorker(primaryLink, clock) : allLines),
    deps: {
      refusal: () => (takesFollowers ? undefined : 'this node takes no others: its store is its own; start it with --followers'),
      isClusterKey: (secret) => key?.matches(secret) === true,
      welcome: () => ({ ...hello(), ...limitsOf(engine) }),
      methods,
      admitted(from, peer) {
        const leave = peers.admit(from, peer);
        const unfollow = from.worker === true ? allLines.add(peer) : () => {};
        return () => {
          unfollow();
          leave();
        };
      },
    },
  };
}

/** Nodes that are connected, by whichever end, and members that are not. @param own id of this node */
function otherNodes(peers: Peers, members: readonly Member[], own: string): Iterable<OtherNode> {
  const others = new Map<string, OtherNode>();
  for (const [nodeId, peer] of peers.admitted) others.set(nodeId, { name: nodeId, call: (method, body) => peer.call(method, body) });
  for (const member of members) {
    if (member.nodeId !== own) others.set(member.nodeId, { name: member.name, call: (method, body) => peers.call(member, method, body) });
  }
  return others.values();
}
