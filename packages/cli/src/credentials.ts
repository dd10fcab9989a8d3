/** The token and certificates of a command, in the form of the client's options: options override the environment. */

import type { CredentialOptions, Credentials } from '@rollcall/client';
import { isRegistryError } from '@rollcall/protocol';
import { CommandFailure, exitCodes, usage } from './failure.ts';
import type { RegistryFlags } from './servers.ts';
import type { Terminal } from './terminal.ts';

/** The flags that are options of the client. */
export function credentialOptions({ tokenFile, caFile, certFile, keyFile, tlsServerName }: RegistryFlags): CredentialOptions {
  const given = Object.entries({ tokenFile, caFile, certFile, keyFile, tlsServerName });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** @throws CommandFailure `usage` for flags that contradict each other, `failure` for files that cannot be used */
export async function credentialsOf(flags: RegistryFlags, { env }: Pick<Terminal, 'env'>): Promise<Credentials> {
  // Loaded here, since some commands do not need the client.
  const { readCredentials } = await import('@rollcall/client');
  try {
    return await readCredentials(credentialOptions(flags), env)();
  } catch (error) {
    if (isRegistryError(error, 'invalid_argument')) throw usage(error.message);
    throw new CommandFailure(exitCodes.failure, (error as Error).message, { cause: error });
  }
}
