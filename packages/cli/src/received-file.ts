/** Writes a file that a registry sends: readable by its owner only; it replaces an existing file once it is complete. */

import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandFailure, exitCodes, fileProblem, usage } from './failure.ts';
import { print, printJson, type Terminal } from './terminal.ts';

export interface ReceiveOptions {
  /** `-` for standard output. */
  readonly file: string;
  /** Its name in messages: `backup`. */
  readonly what: string;
  readonly json: boolean;
  readonly terminal: Terminal;
}

/**
 * @param ask sends the request, after the file has been opened for writing
 * @throws CommandFailure `usage` for a terminal, `failure` for a file that cannot be written; as `ask`
 */
export async function receiveFile(ask: () => Promise<IncomingMessage>, options: ReceiveOptions): Promise<void> {
  const { file, what, json, terminal } = options;
  if (file === '-' && terminal.stdout.isTTY === true) throw usage(`a ${what} is not for terminals; name a file, or pipe it on`);
  const direct = file === '-' || (await isDevice(file, what));
  const answer = await ask();
  const whole = (transfer: Promise<void>, path: string) =>
    transfer.catch((error: unknown) => {
      throw notWritten(what, path, error);
    });
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
  if (json) printJson(terminal, { file, bytes: size });
  else print(terminal, `${file}: ${size} bytes`);
}

/**
 * Whether the target is something to write to, such as a named pipe, and not a file to replace.
 * @throws CommandFailure `failure`
 */
async function isDevice(file: string, what: string): Promise<boolean> {
  const directory = dirname(file);
  try {
    const there = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (there?.isDirectory() === true) throw new CommandFailure(exitCodes.failure, `${file} is a directory; name a file in it`);
    if (there === undefined) await stat(directory);
    return there !== undefined && !there.isFile();
  } catch (error) {
    throw error instanceof CommandFailure ? error : notWritten(what, directory, error);
  }
}

function notWritten(what: string, path: string, error: unknown): CommandFailure {
  return new CommandFailure(exitCodes.failure, `no ${what} was written: ${fileProblem(path, error)}`, { cause: error });
}
