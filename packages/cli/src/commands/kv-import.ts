/** `rollcall kv import DATA`: writes the keys of a file that `kv export` of Rollcall or Consul made. */

import type { Command } from 'commander';
import type { Rollcall } from '@rollcall/client';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { given } from '../given.ts';
import { importedKeys, type ExportedKey } from '../kv-json.ts';
import { followRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { counted, print, printJson, remark, visible } from '../terminal.ts';

interface ImportFlags extends RegistryFlags {
  readonly prefix: string;
  readonly json?: true;
}

/** More than a registry holds; keeps an endless pipe out of memory. */
const dataBytesMax = 1_073_741_824;

/** Enough that the registry commits many at once, few enough that an error stops it soon. */
const writesAtOnce = 32;

export function addKvImport(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('import')
    .description('write keys that "kv export" of Rollcall or Consul printed; other keys do not change')
    .argument('[data]', 'the JSON; "-" reads it from standard input, "@FILE" from a file', '-')
    .option('--prefix <prefix>', 'prefix to put before every key', '')
    .option('--json', 'print {"imported"} instead of a line for each key');
  addExamples(addNamespacedOptions(command), 'rollcall kv import @keys.json', 'rollcall kv import --prefix staging/ - < keys.json');
  command.action(async (argument: string, { prefix, json, ...flags }: ImportFlags) => {
    const data = await given(argument, { what: 'data', bytesMax: dataBytesMax, terminal });
    const entries = importedKeys(data.toString('utf8')).map((entry) => ({ ...entry, key: prefix + entry.key }));
    // Without a deadline, and also when the reader of its output has gone.
    await followRegistry({ terminal, flags, name: 'rollcall kv import' }, async (rollcall) => {
      let imported = 0;
      await write(rollcall, entries, {
        done: ({ key }) => {
          imported++;
          if (json !== true) print(terminal, `imported ${visible(key)}`);
        },
        failed: ({ key }) => remark(terminal, `${visible(key)} was not written; ${counted(imported, 'key')} of ${entries.length} were`),
      });
      if (json === true) printJson(terminal, { imported });
    });
  });
}

interface Writing {
  readonly done: (entry: ExportedKey) => void;
  readonly failed: (entry: ExportedKey) => void;
}

/** Writes in the order of the data, several at once; starts no further write after a failure. @throws the first failure */
async function write(rollcall: Rollcall, entries: readonly ExportedKey[], { done, failed }: Writing): Promise<void> {
  const next = entries.values();
  let stopped = false;
  const worker = async () => {
    for (const entry of next) {
      if (stopped) return;
      try {
        await rollcall.kv.put(entry.key, Buffer.from(entry.value, 'base64'), { flags: entry.flags });
        done(entry);
      } catch (error) {
        if (!stopped) failed(entry);
        stopped = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: writesAtOnce }, worker));
  const refusal = results.find((result) => result.status === 'rejected');
  if (refusal !== undefined) throw refusal.reason;
}
