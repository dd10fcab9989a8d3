/** `rollcall event`: sends a small message to the selected agents; `rollcall watch --type event` prints it. */

import type { Command } from 'commander';
import { askJson, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { given } from '../given.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson } from '../terminal.ts';

interface EventFlags extends RegistryFlags {
  readonly name: string;
  readonly node?: string;
  readonly service?: string;
  readonly tag?: string;
  readonly json?: true;
}

/** Keeps an endless pipe out of memory. The registry's own limit, 512 bytes, decides. */
const payloadBytesMax = 65_536;

export function addEvent(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('event')
    .description('send an event to the selected agents; without a selection to all of them')
    .argument('[payload]', 'the payload; "-" reads it from standard input, "@FILE" from a file', '')
    .requiredOption('--name <name>', 'name of the event')
    .option('--node <pattern>', 'only to nodes whose names match')
    .option('--service <pattern>', 'only to nodes with a service that matches')
    .option('--tag <pattern>', 'only where such a service has a tag that matches')
    .option('--json', 'print the event as JSON');
  addExamples(
    addRegistryOptions(command),
    'rollcall event --name deploy 1.42.0',
    "rollcall event --name restart --service '^web$' --tag canary",
  );
  command.action(async (argument: string, { name, node, service, tag, json, ...flags }: EventFlags) => {
    const payload = await given(argument, { what: 'payload', bytesMax: payloadBytesMax, terminal });
    const target = await targetOf(flags, terminal);
    const selection = Object.entries({ node, service, tag }).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const path = `/v1/event/fire/${encodeURIComponent(name)}?${new URLSearchParams(selection).toString()}`;
    const event = await askJson<{ ID: string }>(target, path, { method: 'PUT', body: payload });
    if (json === true) printJson(terminal, event);
    else print(terminal, `Event ID: ${event.ID}`);
  });
}
