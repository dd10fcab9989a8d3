/** The error of an address on which this process cannot listen: another one has it, or the system refuses it. */

import { RegistryError } from '@rollcall/protocol';

export class CannotListen extends RegistryError {
  /** @param message begins with what cannot be done, and where */
  constructor(message: string, options?: { readonly cause: unknown }) {
    super('failed_precondition', message, options);
  }
}

const refusals: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; stop it or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address; choose one that it has, such as 127.0.0.1',
  EACCES: 'this user may not listen there; choose a port above 1023',
  ENOTFOUND: 'there is no such host name; give an address of this machine, such as 127.0.0.1',
};

/**
 * Why the system refuses an address of TCP or UDP, and what to do.
 * @param what cannot be done, such as `cannot listen`
 * @param cause what `listen` or `bind` reported
 */
export function cannotListen(what: string, { host, port }: { readonly host: string; readonly port: number }, cause: NodeJS.ErrnoException): CannotListen {
  return new CannotListen(`${what} on ${host}:${port}: ${refusals[cause.code ?? ''] ?? cause.message}`, { cause });
}
