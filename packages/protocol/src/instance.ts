/**
 * An instance of a service as clients see it: where to reach it and whether it may be chosen.
 * The registry's own record of it, with nodes and checks, is richer (server `registry/rows.ts`).
 */

import type { CheckStatus } from './check.ts';

/** `draining` means: still answering, but about to leave; do not choose it for new work. */
export type InstanceStatus = CheckStatus | 'draining';

export interface Instance {
  /** Unique on its node. */
  readonly id: string;
  readonly service: string;
  /** Name of the node that the instance was registered from. */
  readonly node: string;
  /** Host name or IP address to connect to, without a port. */
  readonly address: string;
  /** 0 to 65535; 0 when the service has none. */
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Relative share of traffic, 0 or more; 1 by default. */
  readonly weight: number;
  readonly status: InstanceStatus;
}

/** The instances of one service at one revision of that service's view. */
export interface ServiceSnapshot {
  readonly service: string;
  /** Rises only when the content changes, and never goes back. */
  readonly revision: number;
  readonly instances: readonly Instance[];
}
