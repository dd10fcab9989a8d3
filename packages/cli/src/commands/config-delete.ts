/** `rollcall config delete APP/NAME`: takes a configuration from its clients; one that was never published goes entirely. */

import type { Command } from 'commander';
import { doneSchema, draftSavedSchema } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { nextOf, propose, timeOf } from '../config-proposal.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { print, printJson } from '../terminal.ts';

interface DeleteFlags extends ConfigFlags {
  readonly message?: string;
  readonly propose?: true;
  readonly at?: string;
  readonly replace?: true;
}

export function addConfigDelete(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('delete')
    .description('take a configuration from its clients, and keep its history; one that was never published goes with its draft')
    .argument('<app/name>', 'the configuration')
    .option('--message <text>', 'why, for the history')
    .option('--propose', 'draft and propose the removal, where approvals are asked for; it takes the place of the present draft')
    .option('--at <time>', 'with --propose: remove it at this time, such as 2030-01-31T08:00:00Z, if that is approved by then')
    .option('--replace', 'with --propose: void the open proposal of the removal with another time, and its approvals')
    .option('--json', 'print {"removed", "deleted"}: which of both was done; with --propose {"number", "missing"}');
  addExamples(
    addAuthorOptions(command),
    'rollcall config delete shop/app.yaml --message "the shop reads it no more"',
    'rollcall config delete shop/app.yaml --namespace production --propose',
  );
  command.action(async (name: string, { message, propose: proposes, at, replace, json, ...flags }: DeleteFlags) => {
    if ((at !== undefined || replace === true) && proposes !== true) throw usage('--at and --replace are for --propose only');
    const notBeforeMs = timeOf(at);
    if (proposes === true) {
      const named = await namedConfig(name, flags, terminal);
      const { revision = 0 } = await named.post('/draft/save', draftSavedSchema, { remove: true, own: true });
      const proposed = await propose(named, { draft: revision, message, notBeforeMs, replace });
      if (json === true) printJson(terminal, proposed);
      else print(terminal, `proposal ${proposed.number}, to remove ${name}, ${nextOf(named, proposed, notBeforeMs)}`);
      return;
    }
    const config = await namedConfig(name, flags, terminal);
    const body = message === undefined ? {} : { message };
    const { done: removed } = await config.post('/remove', doneSchema, body);
    const deleted = !removed && (await config.post('/delete', doneSchema, body)).done;
    if (json === true) printJson(terminal, { removed, deleted });
    if (!removed && !deleted) throw new CommandFailure(exitCodes.notFound, `there is no configuration ${name} in this cluster`);
    if (json !== true) print(terminal, removed ? `clients get nothing of ${name} any more; its history stays` : `${name} is deleted; it was never published`);
  });
}
