/** `rollcall restore FILE`: the registry as it was when the backup was made. */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { adminCall, targetOf, textOf } from '../admin-call.ts';
import { CommandFailure, exitCodes, fileProblem } from '../failure.ts';
import type { CommandContext } from '../command-context.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, type Terminal } from '../terminal.ts';

interface RestoreFlags extends RegistryFlags {
  readonly json?: true;
}

export function addRestore(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('restore')
    .description('replace everything in the registry by a backup, all of it or nothing')
    .argument('<file>', 'what "rollcall backup" wrote, "-" for standard input')
    .option('--json', 'print the result as JSON');
  addRegistryOptions(command).action((file: string, flags: RestoreFlags) => restore(file, flags, terminal));
}

async function restore(file: string, flags: RestoreFlags, terminal: Terminal): Promise<void> {
  const target = await targetOf(flags, terminal);
  const body = file === '-' ? terminal.stdin : await readable(file);
  const answer = await adminCall({ ...target, path: '/rollcall/v1/restore', expect: 'application/json', method: 'PUT', body });
  const restored = JSON.parse(await textOf(answer)) as { records: number; revision: number };
  if (flags.json === true) printJson(terminal, restored);
  else print(terminal, `restored ${restored.records} records; the registry is at revision ${restored.revision}`);
}

/** Opened before the registry is asked, so that a wrong name is told as such. */
async function readable(file: string): Promise<Readable> {
  try {
    const handle = await open(file, 'r');
    if ((await handle.stat()).isDirectory()) throw new Error(`${file} is a directory`);
    return createReadStream(file, { fd: handle });
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `cannot read the backup: ${fileProblem(file, error)}`, { cause: error });
  }
}
