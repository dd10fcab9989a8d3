/** One proposal with a time: publishes it when that has come, if it is approved and nothing is against it. */

import { isRegistryError } from '@rollcall/protocol';
import { approvalsThatCount, findProposal, policyOf } from '../registry/kind/config/find.ts';
import type { ConfigRef } from '../registry/kind/config/rows.ts';
import type { RolloutsOptions } from './options.ts';

/** @returns milliseconds until something may be due; Infinity: only after a change */
export async function lookAtSchedule({ registry, publishProposal, clock, log, audit }: RolloutsOptions, { namespace, app, cluster, name }: ConfigRef, number: number): Promise<number> {
  const proposal = findProposal(registry.state, { namespace, app, cluster, name }, number);
  if (proposal?.state !== 'open' || proposal.notBeforeMs === undefined) return Infinity;
  const now = clock.now();
  if (proposal.notBeforeMs > now) return proposal.notBeforeMs - now;
  const policy = policyOf(registry.state, namespace);
  // An approval changes the proposal, which wakes this task.
  if (approvalsThatCount(proposal, policy).length < (policy.approvals ?? 0)) return Infinity;
  const freeze = policy.freezes?.find(({ fromMs, toMs }) => fromMs <= now && now < toMs);
  if (freeze !== undefined) return freeze.toMs - now;
  try {
    const release = await publishProposal({ namespace, app, cluster, name }, number);
    if (release === false) return Infinity;
    log.info({ namespace, app, name, number, release }, 'a scheduled proposal was published');
    audit?.record({ kind: 'write', accessorId: '', namespace, address: '', via: 'rollouts', action: `proposal ${number} of config "${app}/${name}" was published at its time as release ${release}` });
    return Infinity;
  } catch (error) {
    if (!isRegistryError(error, 'failed_precondition') && !isRegistryError(error, 'aborted')) throw error;
    // Another edit, rollout or policy is in its way: that has to change first.
    log.warn({ namespace, app, name, number, err: error }, 'a scheduled proposal cannot be published');
    return Infinity;
  }
}
