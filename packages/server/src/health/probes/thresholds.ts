/**
 * How many results in a row it takes to change a check's status. The rules of Consul's agent
 * (https://developer.hashicorp.com/consul/docs/register/health-check/vm#success-failures-before-passing-warning-critical):
 * a warning counts as a success; a failure short of `failuresBeforeCritical` may make it a warning.
 */

import type { CheckDefinition, CheckStatus } from '@rollcall/protocol';

/** Results in a row; one of the two is always 0, but for a check that is `fresh`. */
export interface Streak {
  readonly successes: number;
  readonly failures: number;
}

/** A check that has just been registered: its first result counts at once, whatever it is. */
export const fresh: Streak = { successes: Infinity, failures: Infinity };

/** A check known from before our start: our restart does not shorten what it takes to change it. */
export const resumed: Streak = { successes: 0, failures: 0 };

export interface Judgement {
  readonly streak: Streak;
  /** What the check is now; undefined: what it was. */
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
