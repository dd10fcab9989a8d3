/** `rollcall gossip members`: lists the members of a group. It joins for that, and leaves. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addGroupOptions, joinGroup, type GroupFlags } from '../gossip-group.ts';
import { hostPort } from '../instances-table.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';

interface MembersFlags extends GroupFlags {
  readonly json?: true;
}

export function addGossipMembers(parent: Command, { terminal }: CommandContext): void {
  const command = parent.command('members').description('list the members of a group of processes without a server');
  addExamples(
    addGroupOptions(command).option('--json', 'print an array of {"name", "address", "incarnation", "state"}'),
    'rollcall gossip members',
    'rollcall gossip members --seed 10.0.0.7 --group-key-file group.key',
  );
  command.action(async ({ json, ...flags }: MembersFlags) => {
    const group = await joinGroup({ port: 0, ...flags }, (event) => event.kind === 'warning' && remark(terminal, event.message));
    try {
      await group.joined;
      // This process is a member only to ask.
      const members = group.members().slice(1).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      if (members.length === 0) {
        const seeds = flags.seed.length > 0 ? flags.seed.join(', ') : '127.0.0.1';
        throw new CommandFailure(exitCodes.unreachable, `no member of group ${group.group} answered at ${seeds}; name one with --seed, and give the group's key`);
      }
      if (json === true) printJson(terminal, members);
      else printTable(terminal, ['NAME', 'ADDRESS', 'STATE'], members.map(({ name, address, state }) => [name, hostPort(address.host, address.port), { text: state, tone: state === 'alive' ? 'good' : 'bad' }]));
    } finally {
      await group.leave();
    }
  });
}
