/** Opens a group for a client, and its links. The package `@rollcall/gossip` is loaded here only, when a program asks for it. */

import { RegistryError, type GossipOptions, type GossipTiming } from '@rollcall/protocol';
import type { Group, InstanceRow } from '@rollcall/gossip';
import type { OpenLink } from '../connection/registry-link.ts';
import { checkKnown, type OptionNames } from '../option-check.ts';

export interface GossipSurroundings {
  readonly namespace: string;
  /** Node that the instances are on; by default the name of the member. */
  readonly node: string | undefined;
  readonly onWarning: (message: string) => void;
}

export interface OpenedGossip {
  /** Stands for the group where a client shows its server. */
  readonly server: string;
  readonly openLink: OpenLink;
  /** Says goodbye to the other members. */
  readonly leave: () => Promise<void>;
}

const gossipOptions: OptionNames<GossipOptions> = {
  ...{ name: true, group: true, host: true, port: true, advertise: true, seeds: true, mdns: true, key: true, keys: true },
  ...{ unencrypted: true, timing: true },
};
const timingOptions: OptionNames<GossipTiming> = {
  ...{ probeIntervalMs: true, probeTimeoutMs: true, indirectProbes: true, suspicionFactor: true, suspicionMaxFactor: true },
  ...{ localHealthMax: true, gossipIntervalMs: true, gossipMembers: true, gossipToDeadMs: true, retransmitFactor: true },
  ...{ syncIntervalMs: true, reconnectIntervalMs: true, reapMs: true },
};

/** @throws RegistryError `failed_precondition` when the package is missing or no port is free, `invalid_argument` for an invalid option */
export async function openGossip(options: GossipOptions, { namespace, node, onWarning }: GossipSurroundings): Promise<OpenedGossip> {
  checkKnown(options, gossipOptions, 'gossip');
  checkKnown(options.timing ?? {}, timingOptions, 'gossip.timing');
  const [{ GossipLink }, { Group }] = await Promise.all([import('./gossip-link.ts'), load()]);
  const group: Group = await Group.open({ ...options, onEvent: (event) => event.kind === 'warning' && onWarning(event.message) });
  const own = new Map<string, InstanceRow>();
  return {
    server: `gossip://${group.address.host}:${group.address.port}`,
    openLink: (link) => new GossipLink({ group, namespace, node: node ?? group.name, own }, link),
    leave: () => group.leave(),
  };
}

async function load(): Promise<typeof import('@rollcall/gossip')> {
  try {
    return await import('@rollcall/gossip');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new RegistryError('failed_precondition', 'the option gossip needs the package @rollcall/gossip: npm install @rollcall/gossip');
  }
}
