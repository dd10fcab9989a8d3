/** `rollcall config set APP/NAME FILE`: saves a draft, which clients do not get before it is published. */

import type { Command } from 'commander';
import { draftSavedSchema, formatOfName } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { given } from '../given.ts';
import { print, printJson } from '../terminal.ts';

interface SetFlags extends ConfigFlags {
  readonly format?: string;
  readonly cas?: string;
}

/** As the registry's limit. */
export const contentBytesMax = 1_048_576;

export function addConfigSet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('set')
    .description('save a draft; clients get it when it is published')
    .argument('<app/name>', 'the configuration')
    .argument('<content>', 'the content itself; - reads it from stdin, @FILE from a file')
    .option('--format <format>', 'properties, json, yaml, toml, text or flags; by the ending of the name when not given')
    .option('--cas <revision>', 'only if this is the revision of the draft; 0: only if there is none. Exit code 1 otherwise. Without it a draft that another editor has edited stays')
    .option('--json', 'print {"done", "revision"}');
  addExamples(addAuthorOptions(command), 'rollcall config set shop/app.yaml @app.yaml', "rollcall config set shop/app.properties 'timeout=5s'");
  command.action(async (name: string, argument: string, { format = formatOfName(name), cas, json, ...flags }: SetFlags) => {
    const config = await namedConfig(name, flags, terminal);
    const content = (await given(argument, { what: 'content', bytesMax: contentBytesMax, terminal })).toString('utf8');
    const saved = await config.post('/draft/save', draftSavedSchema, {
      content,
      ...(format === undefined ? {} : { format }),
      ...(cas === undefined ? { own: true } : { cas: Number(cas) }),
    });
    if (json === true) printJson(terminal, saved);
    if (!saved.done) throw new CommandFailure(exitCodes.failure, `the draft of ${name} has another revision by now: ${saved.revision ?? 0}`);
    if (json !== true) print(terminal, `draft ${saved.revision} of ${name} is saved`);
  });
}
