/** What the tasks of rollouts need of the server. */

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Ownership } from '../health/ownership.ts';
import type { ConfigRef } from '../registry/kind/config/rows.ts';
import type { Registry } from '../registry/registry.ts';
import type { AuditTrail } from '../security/audit.ts';
import type { Ask } from './webhook.ts';

export interface RolloutsOptions {
  readonly registry: Pick<Registry, 'state' | 'views' | 'submit' | 'observe'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ownership: Pick<Ownership, 'owns'>;
  /** Whether liveness cannot tell a dead instance from a silent one now. */
  readonly isFrozen: () => boolean;
  readonly ask: Ask;
  /** @returns the number of the release; false when it is not open any more @throws RegistryError */
  readonly publishProposal: (ref: ConfigRef, number: number) => Promise<number | false>;
  readonly audit?: AuditTrail | undefined;
}
