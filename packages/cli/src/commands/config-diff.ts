/** `rollcall config diff APP/NAME`: what the draft changes, or what differs between two releases. */

import type { Command } from 'commander';
import { configDiffSchema, configSchema, draftSchema } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { printDiff } from '../diff-text.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { printJson } from '../terminal.ts';

interface DiffFlags extends ConfigFlags {
  readonly from?: string;
  readonly to?: string;
}

export function addConfigDiff(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('diff')
    .description('show what the draft changes, or what differs between two releases; secrets stay masked')
    .argument('<app/name>', 'the configuration')
    .option('--from <number>', 'a release; 0: nothing. By default the one that all clients get')
    .option('--to <number>', 'another release; by default the draft')
    .option('--json', 'print [{"change": "same"|"removed"|"added", "text", "unended"}]');
  addExamples(addConfigOptions(command), 'rollcall config diff shop/app.yaml', 'rollcall config diff shop/app.yaml --from 3 --to 4');
  command.action(async (name: string, { from, to, json, ...flags }: DiffFlags) => {
    for (const number of [from, to]) if (number !== undefined && !/^\d{1,15}$/.test(number)) throw usage(`${JSON.stringify(number)} is no number of a release`);
    const config = await namedConfig(name, flags, terminal);
    // A draft may be of a configuration that has no release yet.
    const base = from ?? String(to === undefined ? (await config.get('/draft', draftSchema)).base : (await config.get('', configSchema)).release);
    const lines = await config.get('/diff', configDiffSchema, { from: base, to: to ?? 'draft' });
    if (json === true) printJson(terminal, lines);
    else if (lines.every(({ change }) => change === 'same')) throw new CommandFailure(exitCodes.failure, 'nothing differs');
    else printDiff(terminal, lines);
  });
}
