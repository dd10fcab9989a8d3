/** `rollcall info`: figures of the registry for operators. */

import type { Command } from 'commander';
import { askJson, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, remark, visible } from '../terminal.ts';

type Sections = Record<string, Readonly<Record<string, unknown>>>;

export function addInfo(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('info')
    .description('print figures of the registry: its version, its content, whether expiry is frozen')
    .option('--json', 'print them as JSON: sections with names and values');
  addExamples(addRegistryOptions(command), 'rollcall info', 'rollcall info --json');
  command.action(async ({ json, ...flags }: RegistryFlags & { json?: true }) => {
    const target = await targetOf(flags, terminal);
    const { Stats } = await askJson<{ Stats: Sections }>(target, '/v1/agent/self');
    const sections: Sections = { ...Stats };
    try {
      sections['rollcall'] = await askJson<Record<string, unknown>>(target, '/rollcall/v1/status');
    } catch (error) {
      // The other sections need fewer permissions.
      if (!(error instanceof CommandFailure) || error.exitCode !== exitCodes.denied) throw error;
      remark(terminal, `without the section "rollcall": ${error.message}`);
    }
    if (json === true) printJson(terminal, sections);
    else for (const [name, section] of sorted(sections)) {
      print(terminal, `${visible(name)}:`);
      for (const [key, value] of sorted(flat(section))) print(terminal, `\t${visible(key)} = ${visible(String(value))}`);
    }
  });
}

function sorted<T>(values: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Names a nested value with dots: `counts.nodes`. */
function flat(values: Readonly<Record<string, unknown>>, prefix = ''): Record<string, unknown> {
  const entries = Object.entries(values).flatMap(([key, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(flat(value as Record<string, unknown>, `${prefix}${key}.`))
      : [[`${prefix}${key}`, value]],
  );
  return Object.fromEntries(entries);
}
