/** `rollcall version`: what is installed here; asks no registry. */

import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { print, printJson } from '../terminal.ts';

/** The version of this package. */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

export function addVersion(parent: Command, { terminal }: CommandContext): void {
  parent
    .command('version')
    .description('print the version of this program')
    .addOption(new Option('--format <format>', 'how to print it').choices(['pretty', 'json']).default('pretty'))
    .option('--json', 'the same as --format json')
    .action((flags: { format: string; json?: true }) => {
      const version = ownVersion();
      if (flags.json === true || flags.format === 'json') printJson(terminal, { Version: version });
      else print(terminal, `rollcall ${version}`);
    });
}

/** Consul writes `version -format=json`; scripts that do get what they expect. */
export function acceptConsulStyle(args: readonly string[]): string[] {
  if (args[0] !== 'version') return [...args];
  return args.map((arg) => arg.replace(/^-format(=|$)/, '--format$1'));
}
