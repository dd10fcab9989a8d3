/**
 * Decisions about what goes wrong in instances while a rollout is under way: one reports that it cannot use the release, or it is lost. Alarms
 * count both (`alarm.ts`). That an instance was lost stays known when it comes back, so that one which crashes again and again counts.
 */

import type { Draft } from '../../draft.ts';
import { invalid } from './check.ts';
import { configLimits as limits, type ConfigLost, type ConfigReport } from './commands.ts';
import { failuresOf, findConfig, stagedRollout } from './find.ts';
import { failureKey } from './keys.ts';
import { looseReader } from './population.ts';
import type { ConfigRef, FailureRow } from './rows.ts';
import { refOf, unwritten } from './steps.ts';
import { utcTime } from './utc-time.ts';

/** @returns false when the release is of no rollout, or nothing changes */
export function report(draft: Draft, command: ConfigReport, now: number): boolean {
  const { release, instance, error } = command;
  const ref = refOf(command);
  const key = failureKey(ref, release, instance);
  const before = draft.get(key) as FailureRow | undefined;
  if (error === '') {
    if (before !== undefined) draft.delete(key);
    return before !== undefined;
  }
  if (findConfig(draft, ref)?.rollouts?.some((rollout) => rollout.release === release) !== true) return false;
  if (instance.length > limits.nameMax * 2 || /\p{Cc}/u.test(instance)) throw invalid(`an instance of ${instance.length} characters cannot report, the limit is ${limits.nameMax * 2}, without control characters`);
  if (before === undefined && known(draft, ref, undefined) >= limits.failuresMax) return false;
  draft.put<FailureRow>({ kind: 'config-failure', ...ref, release, instance, error: error.slice(0, limits.errorMax), atMs: before?.atMs ?? now, ...unwritten });
  return true;
}

/** @returns false when the rollout has no alarm that counts them, or all are known, or as many as are kept */
export function lose(draft: Draft, command: ConfigLost, now: number): boolean {
  const ref = refOf(command);
  const rollout = stagedRollout(findConfig(draft, ref));
  const { release } = command;
  if (rollout?.name !== command.rollout || rollout.release !== release || rollout.staged.alarm?.on.includes('unhealthy') !== true) return false;
  let changed = false;
  for (const lost of ['with', 'without'] as const) {
    let room = limits.failuresMax - known(draft, ref, lost);
    for (const instance of command[lost]) {
      if (room <= 0) break;
      if (draft.get(failureKey(ref, release, instance, lost)) !== undefined) continue;
      draft.put<FailureRow>({ kind: 'config-failure', ...ref, release, instance, lost, error: `it was lost at ${utcTime(now)}`, atMs: now, ...unwritten });
      room--;
      changed = true;
    }
  }
  return changed;
}

/** How many of a sort are kept. Those of an older release are pruned by and by. */
function known(draft: Draft, ref: ConfigRef, lost: FailureRow['lost']): number {
  let count = 0;
  for (const failure of failuresOf(looseReader(draft), ref)) if (failure.lost === lost) count++;
  return count;
}
