/** `rollcall kv put KEY VALUE`: writes a key, from the command line, a file or a pipe. */

import { Option, type Command } from 'commander';
import { CommandFailure, exitCodes } from '../failure.ts';
import { given } from '../given.ts';
import { flags64, revision } from '../kv-entry.ts';
import type { CommandContext } from '../command-context.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';

interface PutFlags extends RegistryFlags {
  readonly cas?: number;
  readonly flags?: bigint;
  readonly reason?: string;
}

/** Far above what registries accept; their own limit decides. Keeps an endless pipe out of memory. */
const valueBytesMax = 16_777_216;

export function addKvPut(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('put')
    .description('write a key')
    .argument('<key>', 'the key')
    .argument('<value>', 'the value; "-" reads it from standard input, "@FILE" from a file')
    .addOption(
      new Option('--cas <revision>', 'only if the key is at this revision; 0: only if the key does not exist').argParser(revision),
    )
    .addOption(new Option('--flags <number>', 'a number to store with it, from 0 to 2^64 - 1').argParser(flags64))
    .option('--reason <text>', 'why, for the audit log');
  addNamespacedOptions(command).action(async (key: string, text: string, { cas, flags: number, reason, ...flags }: PutFlags) => {
    const value = await given(text, { what: 'value', bytesMax: valueBytesMax, terminal });
    await askRegistry({ terminal, flags, name: 'rollcall kv put' }, async (rollcall) => {
      const written = await rollcall.kv.put(key, value, {
        ...(cas === undefined ? {} : { cas }),
        ...(number === undefined ? {} : { flags: number }),
        ...(reason === undefined ? {} : { reason }),
      });
      if (!written) {
        const state = cas === 0 ? 'exists' : `is not at revision ${cas}`;
        throw new CommandFailure(exitCodes.failure, `not written: ${JSON.stringify(key)} ${state}`);
      }
    });
  });
}
