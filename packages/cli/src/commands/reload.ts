/** `rollcall reload`: tells a registry that was started as an agent to read its files again. */

import type { Command } from 'commander';
import { targetOf, tellRegistry } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print } from '../terminal.ts';

export function addReload(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('reload')
    .description('tell a registry that "rollcall agent" runs to read the services and checks of its files again');
  addExamples(addRegistryOptions(command), 'rollcall reload');
  command.action(async (flags: RegistryFlags) => {
    await tellRegistry(await targetOf(flags, terminal), '/v1/agent/reload');
    print(terminal, 'reloaded');
  });
}
