/** `rollcall version`: prints the installed version; asks no registry. */

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
    .addOption(new Option('--format <format>', 'output format').choices(['pretty', 'json']).default('pretty'))
    .option('--json', 'the same as --format json')
    .addOption(new Option('--consul').hideHelp())
    .action(async (flags: { format: string; json?: true; consul?: true }) => {
      const version = ownVersion();
      if (flags.consul === true) {
        const { consulVersion } = await import('@rollcall/server');
        printJson(terminal, { Version: consulVersion(version) });
      } else if (flags.json === true || flags.format === 'json') printJson(terminal, { Version: version });
      else print(terminal, `rollcall ${version}`);
    });
}
