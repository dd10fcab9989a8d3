/** Opens a file that is sent to a registry, or inspected. */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandFailure, exitCodes, fileProblem } from './failure.ts';
import type { Terminal } from './terminal.ts';

/**
 * Opens the file before any request, so that a wrong name is reported as such.
 * @param what its name in messages: `backup`
 * @throws CommandFailure `failure`
 */
export async function sentFile(file: string, what: string, { stdin }: Pick<Terminal, 'stdin'>): Promise<Readable> {
  if (file === '-') return stdin;
  try {
    const handle = await open(file, 'r');
    if ((await handle.stat()).isDirectory()) throw new Error(`${file} is a directory`);
    return createReadStream(file, { fd: handle });
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `cannot read the ${what}: ${fileProblem(file, error)}`, { cause: error });
  }
}
