/**
 * The times and counts of a group, and what is computed from them. The defaults are memberlist's for a LAN
 * (github.com/hashicorp/memberlist, config.go, DefaultLANConfig), which are those of the Lifeguard paper with the
 * suspicion tuned to α = 4: A. Dadgar, J. Phillips, J. Currey, "Lifeguard: Local Health Awareness for More Accurate
 * Failure Detection", 2017 (https://arxiv.org/abs/1707.00788), §IV–V.
 *
 * All members of a group should have the same.
 */

import type { GossipTiming } from '@rollcall/protocol';

/** `GossipTiming` of the protocol explains each. */
export type Timing = GossipTiming;

export const lanTiming: Timing = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  suspicionFactor: 4,
  suspicionMaxFactor: 6,
  localHealthMax: 8,
  gossipIntervalMs: 200,
  gossipMembers: 3,
  gossipToDeadMs: 30_000,
  retransmitFactor: 4,
  syncIntervalMs: 30_000,
  // Serf's reconnect_interval is 30 s and reconnect_timeout 24 h (github.com/hashicorp/serf, config.go). A third of it, since
  // there is no server that a client could use while the group is split.
  reconnectIntervalMs: 10_000,
  reapMs: 24 * 3_600_000,
};

/** How often `tick` must be called, in milliseconds. */
export function tickMs({ probeIntervalMs }: Timing): number {
  return probeIntervalMs / 10;
}

/** More than this between two ticks is a stall of this process; only this much of it counts as time, in milliseconds. */
export function gapMaxMs(timing: Timing): number {
  return 5 * tickMs(timing);
}

/** Confirmations that bring a suspicion to its shortest; K of Lifeguard, counted without the first accuser. */
export function confirmationsMax({ suspicionFactor }: Timing, members: number): number {
  const wanted = Math.max(0, suspicionFactor - 2);
  // In a small group there are not enough others: then the shortest time holds from the start (memberlist, state.go).
  return members - 2 < wanted ? 0 : wanted;
}

export function suspicionMinMs({ suspicionFactor, probeIntervalMs }: Timing, members: number): number {
  return suspicionFactor * Math.max(1, Math.log10(Math.max(1, members))) * probeIntervalMs;
}

/** How often a member sends one piece of news. */
export function retransmitLimit({ retransmitFactor }: Timing, members: number): number {
  return retransmitFactor * Math.ceil(Math.log10(members + 1));
}

/** The interval of exchanges of whole states in a group of this size (memberlist, util.go, pushPullScale). */
export function scaledSyncIntervalMs({ syncIntervalMs }: Timing, members: number): number {
  return syncIntervalMs * (members <= 32 ? 1 : Math.ceil(Math.log2(members) - 5) + 1);
}
