/** `rollcall kv delete KEY`: removes a key, or everything below a prefix. */

import { Option, type Command } from 'commander';
import { CommandFailure, exitCodes } from '../failure.ts';
import { revision } from '../kv-entry.ts';
import type { CommandContext } from '../command-context.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';

interface DeleteFlags extends RegistryFlags {
  readonly cas?: number;
  readonly recurse?: true;
  readonly reason?: string;
}

export function addKvDelete(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('delete')
    .description('remove a key; a missing key is not an error')
    .argument('<key>', 'the key, or with --recurse the prefix')
    .option('--recurse', 'remove every key that begins with it')
    .addOption(
      new Option('--cas <revision>', 'only if the key is at this revision').argParser(revision).conflicts('recurse'),
    )
    .option('--reason <text>', 'why, for the audit log');
  addNamespacedOptions(command).action(async (key: string, { cas, recurse, reason, ...flags }: DeleteFlags) => {
    await askRegistry({ terminal, flags, name: 'rollcall kv delete' }, async (rollcall) => {
      const gone = await rollcall.kv.delete(key, {
        ...(cas === undefined ? {} : { cas }),
        ...(recurse === undefined ? {} : { recurse }),
        ...(reason === undefined ? {} : { reason }),
      });
      if (cas !== undefined && !gone) {
        throw new CommandFailure(exitCodes.failure, `not removed: ${JSON.stringify(key)} is not at revision ${cas}`);
      }
    });
  });
}
