/** `rollcall gossip`: the commands about groups of processes without a server. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addGossipBridge } from './gossip-bridge.ts';
import { addGossipMembers } from './gossip-members.ts';

export function addGossip(parent: Command, context: CommandContext): void {
  const gossip = parent.command('gossip').description('groups of processes without a server: show the members, join a group with a registry');
  addGossipMembers(gossip, context);
  addGossipBridge(gossip, context);
}
