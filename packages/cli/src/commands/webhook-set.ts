/** `rollcall webhook set NAME URL`: creates a webhook or replaces it. */

import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { doneSchema, webhookEvents, webhookListSchema } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf, type Target } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { given } from '../given.ts';
import { duration } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, visible } from '../terminal.ts';
import { webhookPath, webhooksPath } from '../webhook-path.ts';

interface SetFlags extends RegistryFlags {
  readonly event?: readonly string[];
  readonly service?: readonly string[];
  readonly for?: number;
  readonly secretFile?: string;
  readonly disabled?: true;
}

const secretBytesMax = 256;

export function addWebhookSet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('set')
    .description('create a webhook, or replace it; a new one gets a secret, which is printed once')
    .argument('<name>', 'name of the webhook')
    .argument('<url>', 'http or https URL of the receiver')
    .option('--event <events...>', `what is sent: ${webhookEvents.join(', ')}`)
    .option('--service <names...>', 'only about these services and apps; "pay*" means all that begin with pay')
    .addOption(new Option('--for <duration>', 'how long an instance or a service must stay as it is before the event is sent, up to 1h').argParser(duration).default(5_000, '5s'))
    .option('--secret-file <file>', 'take the secret from this file, whsec_ and 24 to 64 random bytes in base64; - reads standard input')
    .option('--disabled', 'keep the webhook, and send nothing');
  addExamples(
    addNamespacedOptions(command),
    'rollcall webhook set pager https://pager.example.org/hook --event service.empty service.recovered',
    "rollcall webhook set pay https://pay.example.org/hook --event instance.critical --service 'pay*' --for 30s",
  );
  command.action(async (name: string, url: string, { event, service, for: forMs, secretFile, disabled, ...flags }: SetFlags) => {
    if (event === undefined) throw usage('name what is sent, such as --event service.empty; --help lists the events');
    const target = await namespacedTargetOf(flags, terminal);
    const named = secretFile === undefined ? undefined : (await given(secretFile === '-' ? '-' : `@${secretFile}`, { what: 'secret', bytesMax: secretBytesMax, terminal })).toString('utf8').trim();
    const made = named === undefined && !(await exists(target, name)) ? `whsec_${randomBytes(32).toString('base64')}` : undefined;
    const secret = named ?? made;
    const body = { url, events: event, forMs, disabled: disabled === true, ...(service === undefined ? {} : { services: service }), ...(secret === undefined ? {} : { secret }) };
    await askAnswer(target, webhookPath(name), doneSchema, { method: 'PUT', body: JSON.stringify(body) });
    print(terminal, `the webhook ${visible(name)} is set`);
    if (made !== undefined) print(terminal, `its secret, which is shown only now: ${made}`);
  });
}

async function exists(target: Target, name: string): Promise<boolean> {
  const { webhooks } = await askAnswer(target, webhooksPath, webhookListSchema);
  return webhooks.some((each) => each.name === name);
}
