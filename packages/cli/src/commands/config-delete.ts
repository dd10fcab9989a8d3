/** `rollcall config delete APP/NAME`: takes a configuration from its clients; one that was never published goes entirely. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { print, printJson } from '../terminal.ts';

interface DeleteFlags extends ConfigFlags {
  readonly message?: string;
}

interface Done {
  readonly done: boolean;
}

export function addConfigDelete(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('delete')
    .description('take a configuration from its clients, and keep its history; one that was never published goes with its draft')
    .argument('<app/name>', 'the configuration')
    .option('--message <text>', 'why, for the history')
    .option('--json', 'print {"removed", "deleted"}: which of both was done');
  addExamples(addAuthorOptions(command), 'rollcall config delete shop/app.yaml --message "the shop reads it no more"');
  command.action(async (name: string, { message, json, ...flags }: DeleteFlags) => {
    const config = await namedConfig(name, flags, terminal);
    const body = message === undefined ? {} : { message };
    const { done: removed } = await config.post<Done>('/remove', body);
    const deleted = !removed && (await config.post<Done>('/delete', body)).done;
    if (json === true) printJson(terminal, { removed, deleted });
    if (!removed && !deleted) throw new CommandFailure(exitCodes.notFound, `there is no configuration ${name} in this cluster`);
    if (json !== true) print(terminal, removed ? `clients get nothing of ${name} any more; its history stays` : `${name} is deleted; it was never published`);
  });
}
