/** The events that are in the changes of a transaction at once: what happened to configurations, rollouts and nodes. Pure. */

import { defaultNamespace } from '@rollcall/protocol';
import type { ReleaseRow } from '../registry/kind/config/rows.ts';
import type { MembersRow } from '../registry/kind/member/rows.ts';
import type { RowChange } from '../registry/kinds.ts';
import type { WebhookEvent } from './event.ts';

/** A restore brings releases back that were published long ago: that is no event. */
const recentMs = 600_000;

/** @param now wall clock in milliseconds */
export function eventsIn(changes: readonly RowChange[], now: number): readonly WebhookEvent[] {
  return changes.flatMap(({ before, after }) => {
    if (after?.kind === 'config-release' && before === undefined) return now - after.atMs < recentMs ? ofStep(after) : [];
    if (after?.kind === 'members' && before?.kind === 'members') return thoseWhoLeft(before, after);
    return [];
  });
}

/** @param row a step that is new */
export function ofStep(row: ReleaseRow): readonly WebhookEvent[] {
  const { namespace, app, cluster, name, number, step, rollout, parent, by, message, atMs } = row;
  const where = { app, cluster, name };
  const about = [step, app, cluster, name, number].join('\0');
  const why = { ...(by === undefined ? {} : { by }), ...(message === undefined ? {} : { message }), atMs };
  switch (step) {
    case 'publish':
    case 'rollback':
      return [{ type: 'config.published', namespace, service: app, about, atMs, data: { ...where, release: number, ...(rollout === undefined ? {} : { rollout }), isRollback: step === 'rollback', ...why } }];
    case 'rollout-stop':
    case 'auto-rollback':
      return [{ type: 'rollout.stopped', namespace, service: app, about, atMs, data: { ...where, release: parent, rollout: rollout ?? '', stoppedBy: step === 'auto-rollback' ? 'alarm' : 'person', ...why } }];
    default:
      return [];
  }
}

/** Workers are processes of a machine that stays. */
export function thoseWhoLeft(before: MembersRow, after: MembersRow): readonly WebhookEvent[] {
  const now = new Set(after.members.map(({ nodeId }) => nodeId));
  return before.members
    .filter(({ nodeId, worker }) => worker !== true && !now.has(nodeId))
    .map(({ nodeId, name, address, version, draining, epoch }) => ({ type: 'member.left', namespace: defaultNamespace, service: undefined, about: ['left', nodeId, epoch].join('\0'), data: { nodeId, name, address, version, hadDrained: draining === true } }));
}
