/**
 * Decisions about rollouts that go forward by themselves.
 *
 *   publish with a plan ─► stage 0 ─ bake ─► stage 1 ─ bake ─► … ─► complete: all clients get it
 *                             │ alarm                              stop: none gets it any more
 *                             └─► auto-rollback: none gets it any more
 *
 * The owner of the configuration submits assign, advance and trip when it thinks that they are due. Each names the stage that it has looked
 * at, and is judged here again by the row of the configuration, so a command that comes twice or late does no harm. What needs a look at
 * every instance, the alarm and the places, is found before, in slices, and comes with the command: a decision may not hold the event
 * loop for that long. Places that are missing, or of another stage, stay empty until the owner has looked.
 */

import type { Draft } from '../../draft.ts';
import type { Lookup } from '../../room.ts';
import { findInstance } from '../catalog/find.ts';
import { refused } from './admission.ts';
import { checkUrl, invalid } from './check.ts';
import { configLimits as limits, type ConfigAdvance, type ConfigAssign, type ConfigRolloutControl, type ConfigTrip, type Places } from './commands.ts';
import { configName, findConfig, findRelease, policyOf, stagedRollout, type StagedRollout } from './find.ts';
import { serviceOf } from './population.ts';
import type { ConfigRow, ProposalRow, Rollout, RolloutInput, RolloutPlan, Staged, Step } from './rows.ts';
import { about, forgetOld, nothing, refOf, writeConfig, writeStep } from './steps.ts';

/** The name of the rollout by which a release reaches all clients because the policy says so. */
export const ownName = 'release';

/** The rollout of a new release: the one that its publisher wants, or that the policy of the environment asks for. */
export function wantedRollout(lookup: Lookup, row: Pick<ConfigRow, 'namespace' | 'release'>, rollout: RolloutInput | undefined): RolloutInput | undefined {
  const { rollout: plan } = policyOf(lookup, row.namespace);
  // There is nothing to compare the first release with, and nothing to go back to.
  return rollout ?? (plan === undefined || row.release === 0 ? undefined : { name: ownName, priority: 0, plan });
}

/** The rollout with which a proposal is published: the one that was approved. Undefined: all clients get it at once. */
export function approvedRollout(lookup: Lookup, row: Pick<ConfigRow, 'namespace' | 'release'>, { rollout, byPolicy }: Pick<ProposalRow, 'rollout' | 'byPolicy'>): RolloutInput | undefined {
  return byPolicy === true ? wantedRollout(lookup, row, undefined) : rollout;
}

/** @param given number and MD5 of its release, and the places of its first stage */
export function begun({ plan, ...rollout }: RolloutInput, given: Pick<Rollout, 'release' | 'md5'> & { readonly places?: Places | undefined }, now: number): Rollout {
  const { places, ...release } = given;
  if (plan === undefined) return { ...rollout, ...release };
  return inStage({ ...rollout, ...release, staged: { ...plan, stage: 0, state: 'running', sinceMs: now, spentMs: 0 } }, 0, places, now);
}

/** At the beginning of a stage. Who had a place keeps it, also in a stage of a percentage, as far as a count allows. */
function inStage(rollout: StagedRollout, stage: number, places: Places | undefined, now: number): StagedRollout {
  const { assigned = [], ...staged } = rollout.staged;
  const next = staged.stages[stage];
  const found = places?.release === rollout.release && places.stage === stage ? places.instances : assigned;
  const kept = next !== undefined && 'count' in next ? found.slice(0, next.count) : assigned;
  return { ...rollout, staged: { ...staged, stage, state: 'running', sinceMs: now, spentMs: 0, ...(kept.length === 0 ? {} : { assigned: kept }) } };
}

/** All clients would get the new content while a rollout still compares the old one. @throws RegistryError `failed_precondition` */
export function assertNoneUnderWay(row: ConfigRow | undefined, rollout: RolloutInput | undefined): void {
  const underWay = stagedRollout(row);
  if (underWay === undefined || rollout?.name === underWay.name || (rollout !== undefined && rollout.plan === undefined)) return;
  throw refused(`rollout ${underWay.name} of ${configName(row as ConfigRow)} is under way at stage ${underWay.staged.stage + 1} of ${underWay.staged.stages.length}; stop or complete it first`);
}

/** @returns false when nothing changes, a registered instance would lose its place, or another stage is meant */
export function assign(draft: Draft, command: ConfigAssign): boolean {
  const found = meant(draft, command);
  if (found === undefined) return false;
  const { row, rollout } = found;
  const { stages, stage, assigned = [] } = rollout.staged;
  const at = stages[stage];
  if (at === undefined || !('count' in at) || command.places.length > at.count) return false;
  if (JSON.stringify(command.places) === JSON.stringify(assigned)) return false;
  const kept = new Set(command.places);
  if (assigned.some((instance) => !kept.has(instance) && isRegistered(draft, row, rollout, instance))) return false;
  writeConfig(draft, row, { rollouts: replaced(row, { ...rollout, staged: { ...rollout.staged, assigned: command.places } }) });
  return true;
}

/** Whether an instance, written `NODE/ID`, is one of the rollout's service. */
function isRegistered(draft: Draft, row: ConfigRow, rollout: StagedRollout, instance: string): boolean {
  const slash = instance.indexOf('/');
  return findInstance(draft, row.namespace, instance.slice(0, slash), instance.slice(slash + 1))?.service === serviceOf(row, rollout);
}

/** @returns false when its time is not over, it is paused, or another stage is meant */
export function advance(draft: Draft, command: ConfigAdvance, now: number): boolean {
  const found = meant(draft, command);
  if (found === undefined) return false;
  const { row, rollout } = found;
  const { freezes = [] } = policyOf(draft, row.namespace);
  if (remainingMs(rollout.staged, now) > 0 || freezes.some(({ fromMs, toMs }) => fromMs <= now && now < toMs)) return false;
  const { release, stage, places: instances } = command;
  goForward(draft, row, rollout, command, now, instances && { release, stage: stage + 1, instances });
  return true;
}

/** Time until the stage is over; `Infinity` while it is paused. */
export function remainingMs({ stages, stage, state, sinceMs, spentMs }: Staged, now: number): number {
  if (state === 'paused') return Infinity;
  return (stages[stage]?.bakeMs ?? 0) - spentMs - (now - sinceMs);
}

/** @returns false when the rollout has no alarm, or another stage is meant */
export function trip(draft: Draft, command: ConfigTrip, now: number): boolean {
  const found = meant(draft, command);
  if (found === undefined) return false;
  const { row, rollout } = found;
  const { reason } = command;
  if (rollout.staged.alarm === undefined) return false;
  const message = `the alarm of rollout ${rollout.name} ended it at stage ${rollout.staged.stage + 1} of ${rollout.staged.stages.length}: ${reason}; its clients get ${row.release === 0 ? 'nothing' : `release ${row.release} again`}`;
  step(draft, row, rollout, { step: 'auto-rollback', ...command, message }, without(row, rollout), now);
  return true;
}

/** @returns false when there is no such rollout, or it is in that state already */
export function control(draft: Draft, command: ConfigRolloutControl, now: number): boolean {
  const row = findConfig(draft, refOf(command));
  const rollout = row?.rollouts?.find(({ name }) => name === command.rollout);
  if (row === undefined || rollout === undefined) return false;
  const { action } = command;
  if (action === 'stop') {
    step(draft, row, rollout, { step: 'rollout-stop', ...command }, without(row, rollout), now);
    return true;
  }
  if (action === 'complete') {
    complete(draft, row, rollout, command, now);
    return true;
  }
  if (rollout.staged === undefined) throw refused(`rollout ${rollout.name} of ${configName(row)} has no stages: it can be stopped or completed`);
  const going: StagedRollout = { ...rollout, staged: rollout.staged };
  if (action === 'advance') {
    goForward(draft, row, going, command, now, command.places);
    return true;
  }
  const { staged } = going;
  if ((action === 'pause') === (staged.state === 'paused')) return false;
  const after: Staged = action === 'pause' ? { ...staged, state: 'paused', spentMs: staged.spentMs + Math.max(0, now - staged.sinceMs) } : { ...staged, state: 'running', sinceMs: now };
  step(draft, row, rollout, { step: action === 'pause' ? 'rollout-pause' : 'rollout-resume', ...command }, { rollouts: replaced(row, { ...rollout, staged: after }) }, now);
  return true;
}

interface Meant {
  readonly row: ConfigRow;
  readonly rollout: StagedRollout;
}

function meant(draft: Draft, command: Omit<ConfigAssign, 'kind' | 'places'>): Meant | undefined {
  const row = findConfig(draft, refOf(command));
  const rollout = stagedRollout(row);
  if (row === undefined || rollout?.name !== command.rollout || rollout.release !== command.release || rollout.staged.stage !== command.stage) return undefined;
  return { row, rollout };
}

interface Stepping {
  readonly by?: string;
  readonly from?: string;
  readonly message?: string;
}

function goForward(draft: Draft, row: ConfigRow, rollout: StagedRollout, author: Stepping, now: number, places: Places | undefined): void {
  const { staged } = rollout;
  const stage = staged.stage + 1;
  if (stage >= staged.stages.length) {
    complete(draft, row, rollout, author, now);
    return;
  }
  const after = inStage(rollout, stage, places, now);
  const message = author.message ?? `stage ${stage + 1} of ${staged.stages.length}`;
  step(draft, row, rollout, { step: 'rollout-advance', ...author, message }, { rollouts: replaced(row, after) }, now);
}

function complete(draft: Draft, row: ConfigRow, rollout: Rollout, author: Stepping, now: number): void {
  const { release, md5 } = rollout;
  const { content = nothing, format } = findRelease(draft, row, release) ?? {};
  step(draft, row, rollout, { step: 'rollout-complete', ...author }, { ...without(row, rollout), release, md5, bytes: content.length, format: format ?? row.format }, now);
}

/** Writes the step and the row after it. */
function step(draft: Draft, row: ConfigRow, { name, release }: Rollout, { step: what, ...author }: Stepping & { readonly step: Step }, changes: Parameters<typeof writeConfig>[2], now: number): void {
  const number = writeStep(draft, row, { step: what, parent: release, content: nothing, md5: '', hash: '', rollout: name, atMs: now, ...about(author) });
  writeConfig(draft, row, { ...changes, last: number, changedMs: now });
  forgetOld(draft, row, number);
}

function without({ rollouts = [] }: ConfigRow, { name }: Rollout): { readonly rollouts: readonly Rollout[] } {
  return { rollouts: rollouts.filter((each) => each.name !== name) };
}

function replaced({ rollouts = [] }: ConfigRow, rollout: Rollout): readonly Rollout[] {
  return rollouts.map((each) => (each.name === rollout.name ? rollout : each));
}

/** @throws RegistryError `invalid_argument` */
export function checkPlan({ stages, alarm, service = 'x' }: RolloutPlan): void {
  if (stages.length === 0 || stages.length > limits.stagesMax) throw invalid(`a rollout has ${stages.length} stages, it must have 1 to ${limits.stagesMax}`);
  if (service.length === 0 || service.length > limits.nameMax) throw invalid(`the service of a rollout has ${service.length} characters, it must have 1 to ${limits.nameMax}`);
  for (const stage of stages) {
    if ('count' in stage) number('count of a stage', stage.count, 0, limits.countMax);
    else if (!(stage.percent >= 0 && stage.percent <= 100)) throw invalid(`percent of a stage is ${stage.percent}, it must be 0 to 100`);
    number('bakeMs of a stage', stage.bakeMs, 0, limits.bakeMsMax);
  }
  if (alarm === undefined) return;
  if (alarm.on.length === 0 && alarm.webhook === undefined) throw invalid('the alarm of a rollout counts nothing: give unhealthy, error or a webhook');
  if (!(alarm.share > 0 && alarm.share <= 1)) throw invalid(`share of an alarm is ${alarm.share}, it must be above 0 and up to 1`);
  number('atLeast of an alarm', alarm.atLeast ?? 1, 1, limits.countMax);
  if (alarm.webhook !== undefined) checkUrl('webhook of an alarm', alarm.webhook);
}

function number(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw invalid(`${what} is ${value}, it must be a whole number from ${least} to ${most}`);
}
