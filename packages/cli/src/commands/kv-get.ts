/** `rollcall kv get KEY`: the value of one key, byte for byte. */

import type { KvEntry } from '@rollcall/client';
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../failure.ts';
import { entryJson, shownText } from '../kv-entry.ts';
import type { CommandContext } from '../command-context.ts';
import { addAtOption, PastRegistry, type When } from '../past.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson } from '../terminal.ts';

interface GetFlags extends RegistryFlags {
  readonly json?: true;
  readonly raw?: true;
  readonly at?: When;
}

export function addKvGet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('get')
    .description('print the value of a key; into a pipe or a file byte for byte')
    .argument('<key>', 'the key')
    .option('--raw', 'print the value byte for byte on a terminal, too')
    .option('--json', 'print {"key", "value", "base64", "flags", "revision"}; value is null when it is not UTF-8');
  addNamespacedOptions(addAtOption(command)).action(async (key: string, { json, raw, at, ...flags }: GetFlags) => {
    const show = (entry: KvEntry) => {
      if (json === true) printJson(terminal, entryJson(entry));
      else if (raw === true || terminal.stdout.isTTY !== true) terminal.stdout.write(entry.value);
      else print(terminal, shownText(entry.value));
    };
    if (at !== undefined) {
      const [item] = (await (await PastRegistry.of(flags, terminal)).view('key', key, at)).items;
      if (item === undefined) throw new CommandFailure(exitCodes.notFound, `there was no key ${JSON.stringify(key)} then`);
      show({ ...item, value: Buffer.from(item.value, 'base64'), flags: BigInt(item.flags) });
      return;
    }
    await askRegistry({ terminal, flags, name: 'rollcall kv get' }, async (rollcall, signal) => {
      const entry = await rollcall.kv.get(key, { signal });
      if (entry === undefined) throw new CommandFailure(exitCodes.notFound, `there is no key ${JSON.stringify(key)}`);
      show(entry);
    });
  });
}
