/** `GET /rollcall/v1/config/pending`: what goes on and what waits, of every environment that the caller may see, for an overview. */

import type { PendingWork } from '@rollcall/protocol';
import { inOrder } from '../../net/slices.ts';
import { policyOf, proposalsIn, stagedConfigs, stagedRollout } from '../../registry/kind/config/find.ts';
import type { ProposalRow } from '../../registry/kind/config/rows.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import type { Call } from './call.ts';
import { proposalJson, refJson } from './translate.ts';

/** Of each of both. */
const shownMax = 1_000;

export function pending(call: Call): Promise<PendingWork> {
  const { state } = call;
  const { authorizer } = call.caller;
  return call.inTurns(function* (pace) {
    const rollouts: PendingWork['rollouts'][number][] = [];
    for (const row of stagedConfigs(state)) {
      if (pace.spend(1)) yield;
      const rollout = stagedRollout(row);
      if (rollout === undefined || !call.may('read', row) || rollouts.length >= shownMax) continue;
      const { name, release, staged } = rollout;
      rollouts.push({ ...refJson(row), rollout: name, release, stage: staged.stage, stages: staged.stages.length, state: staged.state, sinceMs: staged.sinceMs });
    }
    const open: ProposalRow[] = [];
    for (const namespace of namespaceNames(state)) {
      if (!authorizer.allowsNamespace(namespace, 'read')) continue;
      for (const row of proposalsIn(state, namespace)) {
        if (row.state === 'open' && call.may('read', row)) open.push(row);
        if (pace.spend(1)) yield;
      }
    }
    const sorted = yield* inOrder(open, (a, b) => b.atMs - a.atMs, pace);
    const proposals = sorted.slice(0, shownMax).map((row) => ({ ...proposalJson(row, policyOf(state, row.namespace)), can: (['approve', 'publish', 'edit'] as const).filter((right) => call.may(right, row)) }));
    return { rollouts, proposals };
  });
}
