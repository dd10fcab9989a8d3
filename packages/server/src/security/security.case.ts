/** A registry with access control for tests: the real replica over the memory engine, and a manual clock. */

import { Replica } from '../replica.ts';
import { memory } from '../engine/memory/memory.ts';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import { Acl, type AclConfig } from './acl.ts';
import { AclAdmin } from './admin.ts';
import type { Denial } from './reasons.ts';

export interface Secured {
  readonly acl: Acl;
  readonly admin: AclAdmin;
  readonly replica: Replica;
  readonly clock: ManualClock;
  readonly denials: Denial[];
  /** Accessor ids that were reported as expired. */
  readonly expired: string[];
  /** The next answer of `takeResetIndex`. */
  reset: number;
  close(): Promise<void>;
}

export async function secured(
  config: Partial<AclConfig> & { readonly initialManagement?: string } = {},
): Promise<Secured> {
  const engine = memory();
  const clock = manualClock();
  const replica = new Replica({
    engine,
    clock,
    onFatal: (error) => {
      throw error;
    },
  });
  const denials: Denial[] = [];
  const expired: string[] = [];
  let ids = 0;
  const acl = new Acl({
    registry: replica,
    clock,
    config: { enabled: true, defaultPolicy: 'deny', datacenter: 'dc1', ...config },
    onDenied: (denial) => denials.push(denial),
    onExpired: (accessorIds) => expired.push(...accessorIds),
  });
  replica.observe(acl);
  await replica.start();
  acl.start();
  const result: Secured = {
    acl,
    replica,
    clock,
    denials,
    expired,
    reset: 0,
    admin: new AclAdmin({
      acl,
      registry: replica,
      clock,
      uuid: () => `10000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
      takeResetIndex: () => result.reset,
    }),
    async close() {
      acl.close();
      await replica.close();
      await engine.close();
    },
  };
  await result.admin.initialise(config.initialManagement);
  return result;
}
