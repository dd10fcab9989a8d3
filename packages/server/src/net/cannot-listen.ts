/** The error of an address on which this process cannot listen: another one has it, or the system refuses it. */

import { RegistryError } from '@rollcall/protocol';

export class CannotListen extends RegistryError {
  /** @param message begins with what cannot be done, and where */
  constructor(message: string, options?: { readonly cause: unknown }) {
    super('failed_precondition', message, options);
  }
}
