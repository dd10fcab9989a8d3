/** Creates a token: its secret is shown only now, or written to a file that only its owner can read. */

import { open, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AclToken } from './acl-api.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { print, printJson, remark, type Terminal } from './terminal.ts';

export interface SecretFlags {
  readonly json?: true;
  readonly secretOut?: string;
}

export function addSecretOptions(command: Command): Command {
  return command
    .option('--secret-out <file>', 'write the secret to a new file, for --token-file, and do not print it')
    .option('--json', 'print the token as JSON');
}

/**
 * Creates the token only when its secret can be stored: the registry does not return it a second time.
 * @param make sends the request to the registry
 */
export async function makeToken(make: () => Promise<AclToken>, flags: SecretFlags, terminal: Terminal): Promise<void> {
  const { secretOut } = flags;
  if (secretOut === undefined) {
    const token = await make();
    if (flags.json === true) printJson(terminal, token);
    else {
      print(terminal, `accessor id  ${token.AccessorID}`);
      print(terminal, `secret       ${token.SecretID}`);
      remark(terminal, 'the secret is shown this one time; keep it in a file, for --token-file');
    }
    return;
  }
  const file = await open(secretOut, 'wx', 0o600).catch((error: unknown) => {
    throw new CommandFailure(exitCodes.failure, `cannot write the secret: ${(error as Error).message}`, { cause: error });
  });
  try {
    const { SecretID: secret, ...token } = await make();
    await file.writeFile(`${secret}\n`);
    await file.sync();
    if (flags.json === true) printJson(terminal, token);
    else print(terminal, `accessor id  ${token.AccessorID}`);
  } catch (error) {
    await rm(secretOut, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
