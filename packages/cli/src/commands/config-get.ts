/** `rollcall config get APP/NAME`: the content that all clients get, that of one release, or the draft. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigAnswer, type ConfigFlags, type StepAnswer } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { count } from '../option-values.ts';
import { printJson, written } from '../terminal.ts';

interface GetFlags extends ConfigFlags {
  readonly release?: number;
  readonly draft?: true;
  readonly reveal?: true;
}

export function addConfigGet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('get')
    .description('print the content that all clients get')
    .argument('<app/name>', 'the configuration')
    .option('--release <number>', 'that of this release', count(Number.MAX_SAFE_INTEGER))
    .option('--draft', 'that of the draft')
    .option('--reveal', 'with its secrets, between {secret} and {/secret}; needs the right to reveal')
    .option('--json', 'print everything that is known of it, with its content');
  addExamples(addConfigOptions(command), 'rollcall config get shop/app.yaml', 'rollcall config get shop/app.yaml --release 3');
  command.action(async (name: string, { release, draft, reveal, json, ...flags }: GetFlags) => {
    if (release !== undefined && draft === true) throw usage('give --release or --draft, not both');
    const config = await namedConfig(name, flags, terminal);
    const shown: Record<string, string> = reveal === true ? { reveal: 'true' } : {};
    const content = async (): Promise<{ readonly whole: object; readonly content: string | undefined }> => {
      if (draft === true) return wholeOf(await config.get<{ readonly content: string }>('/draft', shown));
      if (release !== undefined) return wholeOf(await config.get<StepAnswer & { readonly content: string }>('/release', { ...shown, number: String(release) }));
      const found = await config.get<ConfigAnswer>('', shown);
      return { whole: found, content: found.current?.content };
    };
    const found = await content();
    if (json === true) printJson(terminal, found.whole);
    else if (found.content === undefined) throw new CommandFailure(exitCodes.notFound, `${name} has no release for all clients`);
    else await written(terminal, found.content);
  });
}

function wholeOf<T extends { readonly content: string }>(whole: T): { readonly whole: T; readonly content: string } {
  return { whole, content: whole.content };
}
