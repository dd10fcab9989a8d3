/** The error of a holder whose time is over. */

import { RegistryError } from '@rollcall/protocol';

/** Leadership, or a lock, is lost: another contender may have it. Its code is `aborted`. */
export class LeadershipLostError extends RegistryError {
  constructor(message: string, options?: ErrorOptions) {
    super('aborted', message, options);
    this.name = 'LeadershipLostError';
  }
}
