/** `rollcall config get APP/NAME`: the content that all clients get, that of one release, or the draft. */

import type { Command } from 'commander';
import { configSchema, draftSchema, releaseSchema, resolvedConfigSchema, type ResolvedConfig } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { count } from '../option-values.ts';
import { addAtOption, PastRegistry, type When } from '../past.ts';
import { printTable } from '../table.ts';
import { printJson, remark, written, type Terminal } from '../terminal.ts';

interface GetFlags extends ConfigFlags {
  readonly release?: number;
  readonly draft?: true;
  readonly reveal?: true;
  readonly origins?: true;
  readonly at?: When;
}

export function addConfigGet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('get')
    .description('print the content that all clients get')
    .argument('<app/name>', 'the configuration')
    .option('--release <number>', 'that of this release', count(Number.MAX_SAFE_INTEGER))
    .option('--draft', 'that of the draft')
    .option('--origins', 'what a client without rollouts gets: each key, its value, and the configuration that it comes from')
    .option('--reveal', 'with its secrets, between {secret} and {/secret}; needs the right to reveal')
    .option('--json', 'print everything that is known of it, with its content');
  addExamples(addConfigOptions(addAtOption(command)), 'rollcall config get shop/app.yaml', 'rollcall config get shop/app.yaml --release 3', 'rollcall config get shop/app.properties --origins');
  command.action(async (name: string, { release, draft, reveal, origins, json, at, ...flags }: GetFlags) => {
    if (origins === true && (at !== undefined || release !== undefined || draft === true)) throw usage('give --origins without --at, --release and --draft: it shows what a client gets now');
    if (at !== undefined) {
      if (release !== undefined || draft === true || reveal === true) throw usage('give --at alone: it shows what clients got then, with secrets masked');
      const { items } = await (await PastRegistry.of(flags, terminal)).view('config', name, at, flags.cluster === undefined ? {} : { cluster: flags.cluster });
      const own = items.find((layer) => `${layer.app}/${layer.name}` === name);
      if (own === undefined) throw new CommandFailure(exitCodes.notFound, `${name} had no release for all clients then`);
      if (json === true) printJson(terminal, own);
      else await written(terminal, own.content);
      return;
    }
    if (release !== undefined && draft === true) throw usage('give --release or --draft, not both');
    const config = await namedConfig(name, flags, terminal);
    const shown: Record<string, string> = reveal === true ? { reveal: 'true' } : {};
    if (origins === true) {
      await printOrigins(await config.get('/resolve', resolvedConfigSchema, shown), json === true, terminal);
      return;
    }
    const content = async (): Promise<{ readonly whole: object; readonly content: string | undefined }> => {
      if (draft === true) {
        const found = await config.get('/draft', draftSchema, shown);
        if (found.remove === true && json !== true) throw new CommandFailure(exitCodes.notFound, `the draft of ${name} is its removal, and has no content`);
        return wholeOf(found);
      }
      if (release !== undefined) return wholeOf(await config.get('/release', releaseSchema, { ...shown, number: String(release) }));
      const found = await config.get('', configSchema, shown);
      return { whole: found, content: found.current?.content };
    };
    const found = await content();
    if (json === true) printJson(terminal, found.whole);
    else if (found.content === undefined) throw new CommandFailure(exitCodes.notFound, `${name} has no release for all clients`);
    else await written(terminal, found.content);
  });
}

async function printOrigins({ layers: [first], merged: { content, values } }: ResolvedConfig, asJson: boolean, terminal: Terminal): Promise<void> {
  const from = first === undefined ? '' : `${first.app}/${first.name} in ${first.cluster}`;
  if (asJson) printJson(terminal, values ?? [{ value: content, from }]);
  else if (values !== undefined) printTable(terminal, ['KEY', 'VALUE', 'FROM'], values.map(({ key, value, from: origin }) => [key, value, origin]));
  else {
    await written(terminal, content);
    remark(terminal, `all of it comes from ${from}: only properties are merged key by key`);
  }
}

function wholeOf<T extends { readonly content: string }>(whole: T): { readonly whole: T; readonly content: string } {
  return { whole, content: whole.content };
}
