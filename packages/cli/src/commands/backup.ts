/** `rollcall backup FILE`: everything that is registered, as a file, while the registry goes on. */

import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { adminCall, targetOf } from '../admin-call.ts';
import { CommandFailure, exitCodes, fileProblem, usage } from '../failure.ts';
import type { CommandContext } from '../command-context.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, type Terminal } from '../terminal.ts';

interface BackupFlags extends RegistryFlags {
  readonly json?: true;
}

export function addBackup(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('backup')
    .description('write a backup of everything in the registry to a file, while it goes on')
    .argument('<file>', 'where to write it, "-" for standard output; an existing file is replaced once the new one is whole')
    .option('--json', 'print the result as JSON');
  addRegistryOptions(command).action((file: string, flags: BackupFlags) => backup(file, flags, terminal));
}

async function backup(file: string, flags: BackupFlags, terminal: Terminal): Promise<void> {
  const target = await targetOf(flags, terminal);
  if (file === '-' && terminal.stdout.isTTY === true) throw usage('a backup is not for terminals; name a file, or pipe it on');
  const direct = file === '-' || (await isDevice(file));
  const answer = await adminCall({ ...target, path: '/rollcall/v1/backup', expect: 'application/octet-stream' });
  if (file === '-') {
    await whole(pipeline(answer, terminal.stdout, { end: false }), 'standard output');
    return;
  }
  if (direct) {
    await whole(pipeline(answer, createWriteStream(file)), file);
    return;
  }
  // Beside the target, so that the rename stays within one file system.
  const partial = `${file}.${randomUUID().slice(0, 8)}.partial`;
  try {
    await whole(pipeline(answer, createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true })), file);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  const { size } = await stat(file);
  if (flags.json === true) printJson(terminal, { file, bytes: size });
  else print(terminal, `${file}: ${size} bytes`);
}

/**
 * Whether the target is no file to replace but something to write to, such as a named pipe. Asked before the registry is,
 * so that a target that cannot be is told at once.
 * @throws CommandFailure `failure`
 */
async function isDevice(file: string): Promise<boolean> {
  const directory = dirname(file);
  try {
    const there = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (there?.isDirectory() === true) throw new CommandFailure(exitCodes.failure, `${file} is a directory; name a file in it`);
    if (there === undefined) await stat(directory);
    return there !== undefined && !there.isFile();
  } catch (error) {
    throw error instanceof CommandFailure ? error : notWritten(directory, error);
  }
}

function notWritten(path: string, error: unknown): CommandFailure {
  return new CommandFailure(exitCodes.failure, `no backup was written: ${fileProblem(path, error)}`, { cause: error });
}

async function whole(transfer: Promise<void>, path: string): Promise<void> {
  try {
    await transfer;
  } catch (error) {
    throw notWritten(path, error);
  }
}
