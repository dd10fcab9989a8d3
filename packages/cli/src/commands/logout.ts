/** `rollcall logout`: ends a token that `rollcall login` got. */

import type { Command } from 'commander';
import { askJson, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print } from '../terminal.ts';

export function addLogout(parent: Command, { terminal }: CommandContext): void {
  const command = parent.command('logout').description('end the given token, if it comes from a login; its file stays');
  addExamples(addNamespacedOptions(command), 'rollcall logout --token-file rollcall.token');
  command.action(async (flags: RegistryFlags) => {
    const target = await namespacedTargetOf(flags, terminal);
    if (target.credentials.token === undefined) throw usage('name the token to end with --token-file, or in ROLLCALL_TOKEN');
    await askJson<unknown>(target, '/v1/acl/logout', { method: 'POST', body: '' });
    print(terminal, 'logged out');
  });
}
