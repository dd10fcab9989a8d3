/**
 * Verdicts: the commands to commit when leases expire, and the instances that end with them. `expiry.ts` decides when, and commits.
 */

import type { UpdateChecks } from '../registry/kind/catalog/commands.ts';
import type { Command } from '../registry/kinds.ts';
import type { Stake } from './census.ts';
import type { Lease } from './lease.ts';
import { instancesMin } from './self-preservation.ts';

export interface Ending {
  readonly lease: Lease;
  /** Absent if its loss is considered real, or is not a loss. */
  readonly stake: Stake | undefined;
}

export interface Verdict {
  readonly command: Command;
  readonly endings: readonly Ending[];
}

/** The commands to commit, with their leases: checks together, the others one by one. The leases end with them. */
export function verdictsOn(endings: readonly Ending[]): Verdict[] {
  const verdicts: Verdict[] = [];
  const checks: Ending[] = [];
  const updates: UpdateChecks['updates'][number][] = [];
  for (const ending of endings) {
    // Another node watches it now.
    if (!ending.lease.owned) {
      ending.lease.stop();
      continue;
    }
    const command = ending.lease.verdict();
    ending.lease.end();
    if (command === undefined) ending.lease.ended();
    else if (command.kind !== 'update-checks') verdicts.push({ command, endings: [ending] });
    else {
      checks.push(ending);
      updates.push(...command.updates);
    }
  }
  if (checks.length > 0) verdicts.push({ command: { kind: 'update-checks', updates }, endings: checks });
  return verdicts;
}

/** Number of instances that end with a lease, up to `instancesMin`. */
export function countInstances(lease: Lease): number {
  let instances = 0;
  for (const _instance of lease.instances()) if (++instances >= instancesMin) break;
  return instances;
}
