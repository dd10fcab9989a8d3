/**
 * Decisions about rollouts that go forward by themselves.
 *
 *   publish with a plan ─► stage 0 ─ bake ─► stage 1 ─ bake ─► … ─► complete: all clients get it
 *                             │ alarm                              stop: none gets it any more
 *                             └─► auto-rollback: none gets it any more
 *
 * The owner of the configuration submits assign, advance and trip when it thinks that they are due. Each names the stage that it has looked
 * at, and is judged here again by the row of the configuration, so a command that comes twice or late does no harm. What needs a look at
 * every instance, the alarm and the places, the owner finds before, in slices: a decision may not hold the event loop for that long.
 */

import type { Draft } from '../../draft.ts';
import { findInstance } from '../catalog/find.ts';
import { refused } from './admission.ts';
import { checkUrl, invalid } from './check.ts';
import { configLimits as limits, type ConfigAdvance, type ConfigAssign, type ConfigReport, type ConfigRolloutControl, type ConfigTrip, type RolloutInput } from './commands.ts';
import { configName, failuresOf, findConfig, findRelease, policyOf, stagedRollout, type StagedRollout } from './find.ts';
import { failureKey } from './keys.ts';
import { looseReader, placesOf, populationOf, serviceOf } from './population.ts';
import type { ConfigRow, FailureRow, Rollout, RolloutPlan, Staged, Step } from './rows.ts';
import { about, forgetOld, nothing, refOf, unwritten, writeConfig, writeStep } from './steps.ts';

/** The name of the rollout by which a release reaches all clients because the policy says so. */
export const ownName = 'release';

/** The rollout of a new release: the one that its publisher wants, or that the policy of the environment asks for. */
export function wantedRollout(draft: Draft, row: ConfigRow, rollout: RolloutInput | undefined): RolloutInput | undefined {
  const { rollout: plan } = policyOf(draft, row.namespace);
  // There is nothing to compare the first release with, and nothing to go back to.
  return rollout ?? (plan === undefined || row.release === 0 ? undefined : { name: ownName, priority: 0, plan });
}

/**
 * @param release number of its release, which is written already
 * @throws RegistryError `failed_precondition` when another rollout goes forward
 */
export function begun(draft: Draft, row: ConfigRow, { plan, ...rollout }: RolloutInput, given: Pick<Rollout, 'release' | 'md5'>, now: number): Rollout {
  if (plan === undefined) return { ...rollout, ...given };
  const begins: StagedRollout = { ...rollout, ...given, staged: { ...plan, stage: 0, state: 'running', sinceMs: now, spentMs: 0 } };
  return filled(draft, row, begins);
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
  goForward(draft, row, rollout, command, now, command.places);
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
  const message = `the alarm of rollout ${rollout.name} ended it at stage ${rollout.staged.stage + 1} of ${rollout.staged.stages.length}: ${reason}`;
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
    goForward(draft, row, going, command, now);
    return true;
  }
  const { staged } = going;
  if ((action === 'pause') === (staged.state === 'paused')) return false;
  const after: Staged = action === 'pause' ? { ...staged, state: 'paused', spentMs: staged.spentMs + Math.max(0, now - staged.sinceMs) } : { ...staged, state: 'running', sinceMs: now };
  step(draft, row, rollout, { step: action === 'pause' ? 'rollout-pause' : 'rollout-resume', ...command }, { rollouts: replaced(row, { ...rollout, staged: after }) }, now);
  return true;
}

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
  const others = Array.from(failuresOf(looseReader(draft), ref)).length;
  if (before === undefined && others >= limits.failuresMax) return false;
  draft.put<FailureRow>({ kind: 'config-failure', ...ref, release, instance, error: error.slice(0, limits.errorMax), atMs: before?.atMs ?? now, ...unwritten });
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

/** @param places of the next stage; undefined: they are counted here */
function goForward(draft: Draft, row: ConfigRow, rollout: StagedRollout, author: Stepping, now: number, places?: readonly string[]): void {
  const { staged } = rollout;
  const stage = staged.stage + 1;
  if (stage >= staged.stages.length) {
    complete(draft, row, rollout, author, now);
    return;
  }
  const after = filled(draft, row, { ...rollout, staged: { ...staged, stage, state: 'running', sinceMs: now, spentMs: 0 } }, places);
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

/** With the places of its stage filled. @param found as a look has found them; undefined: they are counted here */
function filled(draft: Draft, row: ConfigRow, rollout: StagedRollout, found?: readonly string[]): StagedRollout {
  const { assigned: _, ...staged } = rollout.staged;
  const stage = staged.stages[staged.stage];
  if (stage === undefined || !('count' in stage)) return { ...rollout, staged };
  const places = (found ?? whole(placesOf(populationOf(looseReader(draft), row.namespace, serviceOf(row, rollout)), row, rollout))).slice(0, stage.count);
  return { ...rollout, staged: places.length === 0 ? staged : { ...staged, assigned: places } };
}

function whole<T>(steps: Iterator<undefined, T, undefined>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
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
