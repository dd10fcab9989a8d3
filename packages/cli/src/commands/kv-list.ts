/** `rollcall kv list [PREFIX]`: lists the keys that begin with a prefix. */

import type { Command } from 'commander';
import { entryJson, entryRow, entryTitles } from '../kv-entry.ts';
import type { CommandContext } from '../command-context.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';

export function addKvList(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('list')
    .description('list the keys that begin with a prefix, in order')
    .argument('[prefix]', 'the prefix (default: all keys)', '')
    .option('--json', 'print an array of keys, each as "kv get --json" prints it');
  addNamespacedOptions(command).action(async (prefix: string, { json, ...flags }: RegistryFlags & { json?: true }) => {
    await askRegistry({ terminal, flags, name: 'rollcall kv list' }, async (rollcall, signal) => {
      const entries = await rollcall.kv.list(prefix, { signal });
      if (json === true) printJson(terminal, entries.map(entryJson));
      else if (entries.length === 0) remark(terminal, `no key begins with ${JSON.stringify(prefix)}`);
      else printTable(terminal, entryTitles, entries.map(entryRow));
    });
  });
}
