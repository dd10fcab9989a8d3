/** `rollcall kv export [PREFIX]`: keys with their values and flags, in the form that `kv import` of Consul and Rollcall reads. */

import type { Command } from 'commander';
import { adminCall, namespacedTargetOf, textOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { exportedText, parseWithFlags } from '../kv-json.ts';
import { kvPath } from '../kv-path.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { written, type Terminal } from '../terminal.ts';

/** As `/v1/kv/` gives it. */
interface Entry {
  readonly Key: string;
  readonly Flags: string;
  readonly Value: string | null;
}

export function addKvExport(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('export')
    .description('print the keys that begin with a prefix, with values and flags, as JSON for "kv import"')
    .argument('[prefix]', 'the prefix (default: all keys)', '');
  addExamples(
    addNamespacedOptions(command),
    'rollcall kv export > keys.json',
    'rollcall kv export config/web/ --addr http://127.0.0.1:8500',
  );
  command.action(async (prefix: string, flags: RegistryFlags) => {
    const target = await namespacedTargetOf(flags, terminal);
    const answer = await adminCall({ ...target, path: `${kvPath(prefix)}?recurse`, expect: 'application/json', absent: true });
    const text = await textOf(answer);
    await printEntries(answer.statusCode === 404 ? [] : (parseWithFlags(text) as Entry[]), terminal);
  });
}

async function printEntries(entries: readonly Entry[], terminal: Terminal): Promise<void> {
  await written(terminal, '[');
  for (const [index, { Key, Flags, Value }] of entries.entries()) {
    if (terminal.unread.aborted) return;
    await written(terminal, `${index === 0 ? '' : ','}\n${exportedText({ key: Key, flags: BigInt(Flags), value: Value ?? '' })}`);
  }
  await written(terminal, entries.length === 0 ? ']\n' : '\n]\n');
}
