/** `rollcall restore FILE`: replaces the content of the registry by that of a backup. */

import type { Command } from 'commander';
import { adminCall, targetOf, textOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { sentFile } from '../sent-file.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, type Terminal } from '../terminal.ts';

interface RestoreFlags extends RegistryFlags {
  readonly json?: true;
}

export function addRestore(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('restore')
    .description('replace everything in the registry by a backup or a snapshot, or change nothing')
    .argument('<file>', 'file of "rollcall backup" or "rollcall snapshot save", "-" for standard input')
    .option('--json', 'print the result as JSON');
  addRegistryOptions(command).action((file: string, flags: RestoreFlags) => restore(file, flags, terminal));
}

async function restore(file: string, flags: RestoreFlags, terminal: Terminal): Promise<void> {
  const target = await targetOf(flags, terminal);
  const body = await sentFile(file, 'backup', terminal);
  const answer = await adminCall({ ...target, path: '/rollcall/v1/restore', expect: 'application/json', method: 'PUT', body });
  const restored = JSON.parse(await textOf(answer)) as { records: number; revision: number };
  if (flags.json === true) printJson(terminal, restored);
  else print(terminal, `restored ${restored.records} records; the registry is at revision ${restored.revision}`);
}
