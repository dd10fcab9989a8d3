/** `rollcall webhook test NAME`: sends the event `test` now, and says what came of it. */

import type { Command } from 'commander';
import { webhookTestSchema } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, visible } from '../terminal.ts';
import { webhookPath } from '../webhook-path.ts';

export function addWebhookTest(parent: Command, { terminal }: CommandContext): void {
  const command = parent.command('test').description('send the event test now, once, and say what came of it').argument('<name>', 'name of the webhook');
  addNamespacedOptions(command).action(async (name: string, flags: RegistryFlags) => {
    const { delivered, status, error } = await askAnswer(await namespacedTargetOf(flags, terminal), webhookPath(name, '/test'), webhookTestSchema, { method: 'POST' });
    if (!delivered) throw new CommandFailure(exitCodes.failure, `the webhook ${visible(name)} got nothing: ${visible(error ?? '')}`);
    print(terminal, `delivered; the receiver answered with status ${status}`);
  });
}
