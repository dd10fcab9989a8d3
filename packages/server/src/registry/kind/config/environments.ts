/** Decisions about environments: their order and their policy. */

import type { Draft } from '../../draft.ts';
import { checkPerson, checkUrl, invalid } from './check.ts';
import { configLimits as limits, type ConfigEnvironmentDelete, type ConfigEnvironmentPut } from './commands.ts';
import { environmentStepsOf, findEnvironment } from './find.ts';
import { environmentKey, environmentStepKey } from './keys.ts';
import { looseReader } from './population.ts';
import { checkPlan } from './rollouts.ts';
import type { EnvironmentRow, EnvironmentRules, EnvironmentStepRow, Policy } from './rows.ts';
import { same } from './settings.ts';
import { about, unwritten } from './steps.ts';

/**
 * @returns false when `cas` does not hold
 * @throws RegistryError `invalid_argument`
 */
export function putEnvironment(draft: Draft, { namespace, order, policy, cas, ...author }: ConfigEnvironmentPut, now: number): boolean {
  check(policy);
  checkPerson(author);
  if (!Number.isInteger(order) || order < 0 || order > 1_000_000) throw invalid(`the order of an environment is ${order}, it must be a whole number from 0 to 1000000`);
  const before = findEnvironment(draft, namespace);
  if (cas !== undefined && cas !== (before?.modified ?? 0)) return false;
  const after = { order, policy };
  if (before !== undefined && same(rulesOf(before), after)) return true;
  draft.put<EnvironmentRow>({ kind: 'config-environment', namespace, ...after, ...unwritten });
  writeStep(draft, namespace, { ...(before === undefined ? {} : { before: rulesOf(before) }), after, atMs: now, ...about(author) });
  return true;
}

export function deleteEnvironment(draft: Draft, { namespace, ...author }: ConfigEnvironmentDelete, now: number): boolean {
  const before = findEnvironment(draft, namespace);
  if (before === undefined) return false;
  checkPerson(author);
  draft.delete(environmentKey(namespace));
  writeStep(draft, namespace, { before: rulesOf(before), atMs: now, ...about(author) });
  return true;
}

function rulesOf({ order, policy }: EnvironmentRow): EnvironmentRules {
  return { order, policy };
}

/** The numbers go on also after the rules were taken away. */
function writeStep(draft: Draft, namespace: string, step: Omit<EnvironmentStepRow, 'kind' | 'namespace' | 'number' | 'created' | 'modified'>): void {
  const numbers = Array.from(environmentStepsOf(looseReader(draft), namespace), (each) => each.number);
  let number = Math.max(0, ...numbers) + 1;
  // Reading it by its key makes another node that writes it at the same time decide again.
  while (draft.get(environmentStepKey(namespace, number)) !== undefined) number++;
  draft.put<EnvironmentStepRow>({ kind: 'config-environment-step', namespace, number, ...step, ...unwritten });
  for (const old of numbers) if (old <= number - limits.environmentStepsMax) draft.delete(environmentStepKey(namespace, old));
}

function check({ approvals = 0, historyMax = 1, historyMs = 0, freezes = [], rollout, webhook }: Policy): void {
  if (webhook !== undefined) checkUrl('webhook of a policy', webhook);
  if (rollout !== undefined) checkPlan(rollout);
  whole('approvals', approvals, 0, limits.peopleMax);
  if (historyMax !== 'forever') whole('historyMax', historyMax, 1, limits.historyMaxMax, ', or "forever"');
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

function whole(field: string, value: number, least: number, most: number, other = ''): void {
  if (!Number.isInteger(value) || value < least || value > most) throw invalid(`${field} of a policy is ${value}, it must be a whole number from ${least} to ${most}${other}`);
}
