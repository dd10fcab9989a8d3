/** `rollcall config rollback APP/NAME`: publishes the content of an older release again. */

import type { Command } from 'commander';
import { configSchema, publishedSchema, type ConfigDetail } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { count } from '../option-values.ts';
import { print, printJson } from '../terminal.ts';

interface RollbackFlags extends ConfigFlags {
  readonly message?: string;
}

export function addConfigRollback(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('rollback')
    .description('publish the content of an older release again, at once and for all clients')
    .argument('<app/name>', 'the configuration')
    .argument('[release]', 'the release; by default the one before the present one', count(Number.MAX_SAFE_INTEGER))
    .option('--message <text>', 'why, for the history')
    .option('--json', 'print {"done", "release"}');
  addExamples(addAuthorOptions(command), 'rollcall config rollback shop/app.yaml --message "timeouts were too long"', 'rollcall config rollback shop/app.yaml 3');
  command.action(async (name: string, release: number | undefined, { message, json, ...flags }: RollbackFlags) => {
    const config = await namedConfig(name, flags, terminal);
    const to = release ?? (await before(config.get('', configSchema)));
    if (to === undefined) throw new CommandFailure(exitCodes.notFound, `${name} has no release before the present one`);
    const answer = await config.post('/rollback', publishedSchema, { to, ...(message === undefined ? {} : { message }) });
    if (json === true) printJson(terminal, answer);
    if (!answer.done) throw new CommandFailure(exitCodes.failure, `clients of ${name} have the content of release ${to} already`);
    if (json !== true) print(terminal, `release ${answer.release} of ${name} has the content of release ${to}`);
  });
}

async function before(asked: Promise<ConfigDetail>): Promise<number | undefined> {
  const { current } = await asked;
  return current === undefined || current.parent === 0 ? undefined : current.parent;
}
