/** `rollcall webhook delete NAME`: nothing more is sent to it. */

import type { Command } from 'commander';
import { doneSchema } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, visible } from '../terminal.ts';
import { webhookPath } from '../webhook-path.ts';

export function addWebhookDelete(parent: Command, { terminal }: CommandContext): void {
  const command = parent.command('delete').description('delete a webhook; events that wait are not sent').argument('<name>', 'name of the webhook');
  addNamespacedOptions(command).action(async (name: string, flags: RegistryFlags) => {
    const { done } = await askAnswer(await namespacedTargetOf(flags, terminal), webhookPath(name), doneSchema, { method: 'DELETE' });
    if (!done) throw new CommandFailure(exitCodes.notFound, `there is no webhook ${visible(name)}`);
    print(terminal, `the webhook ${visible(name)} is deleted`);
  });
}
