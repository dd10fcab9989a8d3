/**
 * Options of a member of a gossip group: those of `@rollcall/gossip`, which the client passes on without depending on that
 * package. Types only; the package checks them.
 */

export interface GossipOptions {
  /** Name of this member, unique in its group, 1 to 255 bytes; by default the host's with a random part. */
  readonly name?: string;
  /** Name of the group; members of other groups are not understood. `default` by default. */
  readonly group?: string;
  /** IP address to listen on: by default 0.0.0.0 with a key or `unencrypted`, else 127.0.0.1. */
  readonly host?: string;
  /** Port for UDP and TCP; by default 8530, or any if another process of this machine has it. */
  readonly port?: number;
  /** Address under which others reach this member: by default where it listens; for 0.0.0.0 the first address of the machine. */
  readonly advertise?: { readonly host?: string; readonly port?: number };
  /** Some members, as `HOST`, `HOST:PORT` or `srv:NAME`; by default 127.0.0.1. One that answers is enough. */
  readonly seeds?: readonly string[];
  /** Also finds members of the same local network by multicast DNS. Needs the package `bonjour-service`. */
  readonly mdns?: boolean;
  /** 32 bytes in base64, as `openssl rand -base64 32` prints them. */
  readonly key?: string;
  /** Several keys during a rotation, in place of `key`: the first one encrypts, all of them decrypt. */
  readonly keys?: readonly string[];
  /** True: no key, also beyond this machine. Each program in the network can then join, read and change everything. */
  readonly unencrypted?: boolean;
  /** Times other than those of a LAN. All members should have the same. */
  readonly timing?: Partial<GossipTiming>;
}

/** Times and counts of a group; `membership/timing.ts` of `@rollcall/gossip` has their sources and defaults. */
export interface GossipTiming {
  /** Time between two probes of one member, in milliseconds; multiplied by the local health. */
  readonly probeIntervalMs: number;
  /** Time for a direct answer, before other members are asked; multiplied by the local health. */
  readonly probeTimeoutMs: number;
  /** Members that are asked to probe indirectly; `k` of SWIM. */
  readonly indirectProbes: number;
  /** Shortest suspicion: this × log₁₀ of the number of members × the interval; α of Lifeguard. */
  readonly suspicionFactor: number;
  /** Longest suspicion: this × the shortest; β of Lifeguard. 1: no time is added while no other member confirms. */
  readonly suspicionMaxFactor: number;
  /** Highest local health multiplier; 0: always healthy. */
  readonly localHealthMax: number;
  /** Time between two rounds of gossip, in milliseconds. */
  readonly gossipIntervalMs: number;
  /** Members that get a datagram in each round. */
  readonly gossipMembers: number;
  /** Time for which gossip also goes to a member that died, so that it can object, in milliseconds. */
  readonly gossipToDeadMs: number;
  /** Each news is sent this × ⌈log₁₀(members + 1)⌉ times by each member; λ of SWIM. */
  readonly retransmitFactor: number;
  /** Time between two exchanges of whole states with a random member, in milliseconds; longer in groups above 32. */
  readonly syncIntervalMs: number;
  /** Time between two attempts to reach a dead member or a seed, in milliseconds. */
  readonly reconnectIntervalMs: number;
  /** Time after which a dead member is forgotten, in milliseconds. */
  readonly reapMs: number;
}
