/** `rollcall kv watch KEY`: prints a key, or the keys that begin with a prefix, after each change. */

import type { KvEntry } from '@rollcall/client';
import type { Command } from 'commander';
import { entryJson, entryRow, entryTitles } from '../kv-entry.ts';
import type { CommandContext } from '../command-context.ts';
import { followRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { counted, print, printJson, visible, type Terminal } from '../terminal.ts';

interface KvWatchFlags extends RegistryFlags {
  readonly json?: true;
  readonly prefix?: true;
}

export function addKvWatch(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('watch')
    .description('print a key now and after every change, until stopped')
    .argument('<key>', 'the key, which may not exist yet; with --prefix the prefix')
    .option('--prefix', 'watch every key that begins with it')
    .option('--json', 'print one line of {"revision", "entries"} per change');
  addNamespacedOptions(command).action(async (key: string, { json, prefix, ...flags }: KvWatchFlags) => {
    await followRegistry({ terminal, flags, name: 'rollcall kv watch', tellsOutages: true }, async (rollcall, signal) => {
      const target = prefix === true ? { prefix: key } : { key };
      for await (const { revision, entries } of rollcall.kv.watch(target, { signal })) {
        if (json === true) printJson(terminal, { revision, entries: entries.map(entryJson) });
        else printEntries(terminal, key, revision, entries);
      }
    });
  });
}

function printEntries(terminal: Terminal, key: string, revision: number, entries: readonly KvEntry[]): void {
  print(terminal, `${visible(key)} at revision ${revision}: ${counted(entries.length, 'key')}`);
  if (entries.length > 0) printTable(terminal, entryTitles, entries.map(entryRow));
  print(terminal, '');
}
