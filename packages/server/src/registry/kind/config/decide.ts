/**
 * Decisions about configurations: publishing, rolling back, removing, each a step of the history, and their settings. A step that
 * changes nothing is none. Drafts and proposals are in `proposals.ts`.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { admitPublishing } from './admission.ts';
import { checkContent, checkRef, checkRollout, checkSettings, invalid } from './check.ts';
import { configLimits as limits, type ConfigConfigure, type ConfigPublish, type ConfigRemove, type ConfigRollback } from './commands.ts';
import { configName, findConfig, findRelease, stagedRollout } from './find.ts';
import type { ConfigRow, ReleaseRow, Rollout, RolloutInput } from './rows.ts';
import { assertNoneUnderWay, begun, checkPlan, wantedRollout } from './rollouts.ts';
import { changesOf, emptied, same, settled } from './settings.ts';
import { about, forgetOld, newConfig, nothing, refOf, storedContent, writeConfig, writeStep } from './steps.ts';

/**
 * @returns false when `cas` does not hold
 * @throws RegistryError `invalid_argument` for what is beyond a limit; `failed_precondition` when the policy of the environment is against it
 */
export function publish(draft: Draft, command: ConfigPublish, now: number): boolean {
  const { cas, rollout, settings = {}, format, source } = command;
  checkRef(command);
  checkSettings(command, settings);
  const ref = refOf(command);
  const before = findConfig(draft, ref);
  checkContent(command, settings.bytesMax ?? before?.bytesMax);
  if (rollout !== undefined) checkRollout(rollout);
  if (rollout?.plan !== undefined) checkPlan(rollout.plan);
  const beside = rollout === undefined ? before : before?.rollouts?.find(({ name }) => name === rollout.name);
  if (cas !== undefined && cas !== (beside?.md5 ?? '')) return false;
  if (before !== undefined && saysTheSame(draft, before, beside?.release ?? 0, command)) return true;
  const row = { ...(before ?? newConfig(ref, now)), ...settled(settings) } as ConfigRow;
  admitPublishing(draft, { ref, row, format, source }, now);
  release(draft, row, { ...command, rollout: wantedRollout(draft, row, rollout), changes: changesOf(before, settings) }, now);
  return true;
}

/** What becomes a release: a command, or a proposal. Without a rollout all clients get it at once. */
export type Content = Pick<ReleaseRow, 'content' | 'md5' | 'hash' | 'format' | 'foreign' | 'by' | 'from' | 'message' | 'changes'> & Pick<ConfigPublish, 'places'> & { readonly rollout?: RolloutInput | undefined };

/** Writes a release, and the row that gives it to clients. @returns its number */
export function release(draft: Draft, row: ConfigRow, { content, md5, hash, format, foreign, rollout, places, changes = [], ...author }: Content, now: number): number {
  assertNoneUnderWay(row, rollout);
  const parent = rollout === undefined ? row.release : (row.rollouts?.find(({ name }) => name === rollout.name)?.release ?? 0);
  const number = writeStep(draft, row, {
    ...{ step: 'publish', parent, content, md5, hash, atMs: now, ...about(author) },
    ...(format === undefined ? {} : { format }),
    ...(rollout === undefined ? {} : { rollout: rollout.name }),
    ...(changes.length === 0 ? {} : { changes }),
    ...(foreign === undefined ? {} : { foreign }),
  });
  const given = rollout === undefined ? { release: number, md5, bytes: content.length, format: format ?? row.format } : { rollouts: withRollout(row, begun(rollout, { release: number, md5, places }, now)) };
  writeConfig(draft, row, { ...given, unpublished: undefined, last: number, changedMs: now });
  forgetOld(draft, row, number);
  return number;
}

/** @throws RegistryError `invalid_argument` */
export function configure(draft: Draft, command: ConfigConfigure, now: number): boolean {
  checkRef(command);
  checkSettings(command, command.settings);
  const ref = refOf(command);
  const before = findConfig(draft, ref);
  const row = before ?? newConfig(ref, now);
  const changes = changesOf(before, command.settings);
  if (changes.length === 0) {
    writeConfig(draft, row, settled(command.settings));
    return true;
  }
  const number = writeStep(draft, row, { step: 'settings', parent: row.release, content: nothing, md5: '', hash: '', changes, atMs: now, ...about(command) });
  writeConfig(draft, row, { ...settled(command.settings), last: number, ...(row.last === 0 ? { unpublished: true } : {}) });
  forgetOld(draft, ref, number);
  return true;
}

/**
 * @returns false when all clients get that content already
 * @throws RegistryError `not_found` when the release is not kept
 */
export function rollback(draft: Draft, command: ConfigRollback, now: number): boolean {
  const ref = refOf(command);
  const before = findConfig(draft, ref);
  const old = before && findRelease(draft, before, command.to);
  if (before === undefined || old === undefined || (old.step !== 'publish' && old.step !== 'rollback')) {
    throw new RegistryError('not_found', `configuration ${configName(ref)} has no release ${command.to} with a content; see its history`);
  }
  const current = findRelease(draft, before, before.release);
  const underWay = stagedRollout(before);
  // A rollback to it has another md5 when its secrets were wrapped again.
  const isThere = current?.md5 === old.md5 || (current?.step === 'rollback' && current.of === old.number);
  if (underWay === undefined && isThere && current.format === old.format) return false;
  const { format, foreign } = old;
  const { content, md5, hash } = storedContent(old, command.rewrapped);
  const number = writeStep(draft, before, {
    ...{ step: 'rollback', parent: before.release, of: old.number, content, md5, hash, atMs: now, ...about(command) },
    ...(format === undefined ? {} : { format }),
    ...(foreign === undefined ? {} : { foreign }),
  });
  // A rollout that goes forward would bring its own content back.
  const rollouts = before.rollouts?.filter((each) => each !== underWay);
  writeConfig(draft, before, { release: number, md5, bytes: content.length, format, rollouts, last: number, changedMs: now });
  forgetOld(draft, ref, number);
  return true;
}

/** @returns false when there is nothing to remove */
export function remove(draft: Draft, command: ConfigRemove, now: number): boolean {
  const { rollout, source } = command;
  const ref = refOf(command);
  const before = findConfig(draft, ref);
  const parent = rollout === undefined ? before?.release : before?.rollouts?.find(({ name }) => name === rollout)?.release;
  if (before === undefined || parent === undefined || parent === 0) return false;
  // Taking a rollout away gives its clients what all others have: that is always possible.
  if (rollout === undefined) admitPublishing(draft, { ref, row: before, removal: true, source }, now);
  takeAway(draft, before, { rollout, parent, ...about(command) }, now);
  return true;
}

export interface TakenAway extends Pick<ReleaseRow, 'parent' | 'by' | 'from' | 'message'> {
  /** Undefined: what all clients get. */
  readonly rollout: string | undefined;
}

/** Takes a release from its clients. @returns the number of the step */
export function takeAway(draft: Draft, before: ConfigRow, { rollout, parent, ...author }: TakenAway, now: number): number {
  const { format, foreign } = findRelease(draft, before, parent) ?? {};
  const number = writeStep(draft, before, {
    ...{ step: 'remove', parent, content: nothing, md5: '', hash: '', atMs: now, ...about(author) },
    ...(format === undefined ? {} : { format }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(foreign === undefined ? {} : { foreign }),
  });
  // A rollout that goes forward would give its own content to all clients in the end.
  const ended = rollout ?? stagedRollout(before)?.name;
  const rollouts = before.rollouts?.filter(({ name }) => name !== ended);
  writeConfig(draft, before, { ...(rollout === undefined ? { release: 0, md5: '', bytes: 0 } : {}), rollouts, last: number, changedMs: now });
  forgetOld(draft, before, number);
  return number;
}

/** The rollouts with one more, or in place of that of its name; the highest priority first. */
function withRollout(row: ConfigRow, rollout: Rollout): readonly Rollout[] {
  const others = row.rollouts?.filter((each) => each.name !== rollout.name) ?? [];
  if (others.length >= limits.rolloutsMax) {
    throw invalid(`configuration ${configName(row)} has ${others.length} rollouts, the limit is ${limits.rolloutsMax}; stop one first`);
  }
  return [...others, rollout].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

/** Whether publishing it would change nothing that a reader sees. @param number of the release in its place; 0: none */
function saysTheSame(draft: Draft, before: ConfigRow, number: number, command: ConfigPublish): boolean {
  const { md5, content, rollout, format, foreign, settings = {} } = command;
  if (number === 0) return false;
  const current = findRelease(draft, before, number);
  if (current === undefined || current.md5 !== md5 || current.content.length !== content.length || current.format !== format) return false;
  if (!same(current.foreign, foreign)) return false;
  if (!Object.entries(settled(settings)).every(([field, value]) => same(emptied(value), before[field as keyof ConfigRow]))) return false;
  const now = rollout && before.rollouts?.find(({ name }) => name === rollout.name);
  return rollout === undefined || (now?.priority === rollout.priority && same(now.rule, rollout.rule));
}
