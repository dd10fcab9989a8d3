/** Reads the value of an argument: its text, a file (`@FILE`) or standard input (`-`), as in Consul's command line. */

import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandFailure, exitCodes } from './failure.ts';
import type { Terminal } from './terminal.ts';

export interface GivenOptions {
  /** Its name in messages: `value`, `filter`. */
  readonly what: string;
  /** Limits the memory for an endless pipe. */
  readonly bytesMax: number;
  readonly terminal: Pick<Terminal, 'stdin'>;
}

/** @throws CommandFailure `failure` when the file cannot be read, or when there are more bytes than allowed */
export async function given(argument: string, { what, bytesMax, terminal }: GivenOptions): Promise<Buffer> {
  if (argument === '-') return collect(terminal.stdin, 'standard input', { what, bytesMax });
  if (!argument.startsWith('@')) return Buffer.from(argument);
  const file = argument.slice(1);
  try {
    const handle = await open(file, 'r');
    return await collect(handle.createReadStream(), file, { what, bytesMax });
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const hint = `a ${what} that begins with @ can be piped in`;
    throw new CommandFailure(exitCodes.failure, `cannot read the ${what}: ${(error as Error).message} (${hint})`, { cause: error });
  }
}

async function collect(
  source: Readable,
  name: string,
  { what, bytesMax }: Pick<GivenOptions, 'what' | 'bytesMax'>,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax) {
      throw new CommandFailure(exitCodes.failure, `${name} has more than ${bytesMax} bytes, which is the limit of a ${what}`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
