/** Decisions about environments: their order and their policy. */

import type { Draft } from '../../draft.ts';
import { checkUrl, invalid } from './check.ts';
import { configLimits as limits, type ConfigEnvironmentDelete, type ConfigEnvironmentPut } from './commands.ts';
import { findEnvironment } from './find.ts';
import { environmentKey } from './keys.ts';
import { checkPlan } from './rollouts.ts';
import type { EnvironmentRow, Policy } from './rows.ts';

/** @throws RegistryError `invalid_argument` */
export function putEnvironment(draft: Draft, { namespace, order, policy }: ConfigEnvironmentPut): boolean {
  check(policy);
  if (!Number.isInteger(order) || order < 0 || order > 1_000_000) throw invalid(`the order of an environment is ${order}, it must be a whole number from 0 to 1000000`);
  draft.put<EnvironmentRow>({ kind: 'config-environment', namespace, order, policy, created: 0, modified: 0 });
  return true;
}

export function deleteEnvironment(draft: Draft, { namespace }: ConfigEnvironmentDelete): boolean {
  if (findEnvironment(draft, namespace) === undefined) return false;
  draft.delete(environmentKey(namespace));
  return true;
}

function check({ approvals = 0, historyMax = 1, historyMs = 0, freezes = [], rollout, webhook }: Policy): void {
  if (webhook !== undefined) checkUrl('webhook of a policy', webhook);
  if (rollout !== undefined) checkPlan(rollout);
  whole('approvals', approvals, 0, limits.peopleMax);
  whole('historyMax', historyMax, 1, limits.historyMaxMax);
  whole('historyMs', historyMs, 0, Number.MAX_SAFE_INTEGER);
  if (freezes.length > limits.freezesMax) throw invalid(`a policy has ${freezes.length} freezes, the limit is ${limits.freezesMax}`);
  for (const { fromMs, toMs, why } of freezes) {
    whole('fromMs', fromMs, 0, dateMax);
    whole('toMs', toMs, fromMs + 1, dateMax);
    if (why.length > limits.descriptionMax) throw invalid(`the reason of a freeze has ${why.length} characters, the limit is ${limits.descriptionMax}`);
  }
}

/** The latest time that has a date (ECMAScript, section 21.4.1.1). */
const dateMax = 8_640_000_000_000_000;

function whole(field: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw invalid(`${field} of a policy is ${value}, it must be a whole number from ${least} to ${most}`);
}
