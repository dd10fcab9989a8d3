/** `rollcall leave`: makes a node leave the other nodes of its store, after its streams have gone to them. */

import type { Command } from 'commander';
import { adminCall, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print, remark } from '../terminal.ts';

/** Ten thousand clients take ten seconds to go elsewhere. */
const silenceMs = 120_000;

export function addLeave(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('leave')
    .description('make a node leave the others of its store: its clients go to them first, then its process ends');
  addExamples(addRegistryOptions(command), 'rollcall leave', 'rollcall leave --addr http://10.0.0.3:8500');
  command.action(async (flags: RegistryFlags) => {
    const target = await targetOf(flags, terminal);
    const [server = '', ...others] = target.servers;
    // A command that names several servers means any of them; this one changes the one that answers.
    if (others.length > 0) throw new CommandFailure(exitCodes.usage, `${target.servers.length} servers are named; name the one that is to leave with --addr`);
    remark(terminal, `asking ${server} to leave: its clients go to other nodes first`);
    const answer = await adminCall({ ...target, method: 'POST', body: '', path: '/rollcall/v1/leave', expect: 'application/json', silenceMs });
    answer.resume();
    print(terminal, 'left');
  });
}
