/**
 * Decides after how many results in a row a check changes its status. The rules of Consul's agent
 * (https://developer.hashicorp.com/consul/docs/register/health-check/vm#success-failures-before-passing-warning-critical):
 * a warning counts as a success; failures below `failuresBeforeCritical` may turn the check to warning.
 */

import type { CheckDefinition, CheckStatus } from '@rollcall/protocol';

/** Results in a row; one of the two is always 0, except in a check that is `fresh`. */
export interface Streak {
  readonly successes: number;
  readonly failures: number;
}

/** A check that has just been registered: its first result, of any kind, counts at once. */
export const fresh: Streak = { successes: Infinity, failures: Infinity };

/** A check from before our start: it needs the full number of results in a row, counted from our start. */
export const resumed: Streak = { successes: 0, failures: 0 };

export interface Judgement {
  readonly streak: Streak;
  /** The new status of the check; undefined when it stays. */
  readonly status: CheckStatus | undefined;
}

export function judge(streak: Streak, result: CheckStatus, thresholds: CheckDefinition): Judgement {
  const { successBeforePassing = 0, failuresBeforeWarning = 0, failuresBeforeCritical = 0 } = thresholds;
  if (result !== 'critical') {
    const successes = streak.successes + 1;
    return {
      streak: { successes, failures: 0 },
      status: successes >= successBeforePassing ? result : undefined,
    };
  }
  const failures = streak.failures + 1;
  let status: CheckStatus | undefined;
  if (failures >= failuresBeforeCritical) status = 'critical';
  else if (failuresBeforeWarning > 0 && failures >= failuresBeforeWarning) status = 'warning';
  return { streak: { successes: 0, failures }, status };
}
