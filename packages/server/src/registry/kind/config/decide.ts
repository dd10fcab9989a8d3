/**
 * Decisions about configurations: publishing, rolling back and removing, each a step of the history. A step that changes nothing is
 * none.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { checkPublish, invalid } from './check.ts';
import { configLimits as limits, type ConfigPublish, type ConfigRemove, type ConfigRollback } from './commands.ts';
import { findConfig, findRelease } from './find.ts';
import { releaseKey } from './keys.ts';
import type { ConfigRef, ConfigRow, ReleaseRow, Rollout } from './rows.ts';

/**
 * @returns false when `cas` does not hold
 * @throws RegistryError `invalid_argument` for what is beyond a limit
 */
export function publish(draft: Draft, command: ConfigPublish, now: number): boolean {
  checkPublish(command);
  const { content, md5, hash, cas, rollout } = command;
  const ref = refOf(command);
  const before = findConfig(draft, ref);
  const beside = rollout === undefined ? before : before?.rollouts?.find(({ name }) => name === rollout.name);
  if (cas !== undefined && cas !== (beside?.md5 ?? '')) return false;
  if (before !== undefined && saysTheSame(draft, before, beside?.release ?? 0, command)) return true;

  const number = (before?.last ?? 0) + 1;
  draft.put<ReleaseRow>({
    ...{ kind: 'config-release', ...ref, number, step: 'publish', parent: beside?.release ?? 0, content, md5, hash, atMs: now, ...about(command) },
    ...(command.format === undefined ? {} : { format: command.format }),
    ...(rollout === undefined ? {} : { rollout: rollout.name }),
    ...(command.foreign === undefined ? {} : { foreign: command.foreign }),
    ...unwritten,
  });
  write(draft, {
    ...(before ?? { kind: 'config', ...ref, release: 0, md5: '', bytes: 0, createdMs: now }),
    ...(rollout === undefined
      ? { release: number, md5, bytes: content.length, ...described(command) }
      : { rollouts: withRollout(ref.name, before, { ...rollout, release: number, md5 }) }),
    last: number,
    changedMs: now,
    ...unwritten,
  });
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
  if (before === undefined || old === undefined || old.step === 'remove') {
    throw new RegistryError('not_found', `configuration ${ref.app}/${ref.name} has no release ${command.to} with a content; see its history`);
  }
  const current = findRelease(draft, before, before.release);
  if (current?.md5 === old.md5 && current.format === old.format) return false;
  const number = before.last + 1;
  const { content, md5, hash, format, foreign } = old;
  draft.put<ReleaseRow>({
    ...{ kind: 'config-release', ...ref, number, step: 'rollback', parent: before.release, of: old.number, content, md5, hash, atMs: now, ...about(command) },
    ...(format === undefined ? {} : { format }),
    ...(foreign === undefined ? {} : { foreign }),
    ...unwritten,
  });
  write(draft, { ...before, release: number, md5, bytes: content.length, ...(format === undefined ? {} : { format }), last: number, changedMs: now, ...unwritten });
  forgetOld(draft, ref, number);
  return true;
}

/** @returns false when there is nothing to remove */
export function remove(draft: Draft, command: ConfigRemove, now: number): boolean {
  const { rollout } = command;
  const ref = refOf(command);
  const before = findConfig(draft, ref);
  const parent = rollout === undefined ? before?.release : before?.rollouts?.find(({ name }) => name === rollout)?.release;
  if (before === undefined || parent === undefined || parent === 0) return false;
  const number = before.last + 1;
  const { format, foreign } = findRelease(draft, before, parent) ?? {};
  draft.put<ReleaseRow>({
    ...{ kind: 'config-release', ...ref, number, step: 'remove', parent, content: nothing, md5: '', hash: '', atMs: now, ...about(command) },
    ...(format === undefined ? {} : { format }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(foreign === undefined ? {} : { foreign }),
    ...unwritten,
  });
  const rest = before.rollouts?.filter(({ name }) => name !== rollout);
  write(draft, {
    ...before,
    ...(rollout === undefined ? { release: 0, md5: '', bytes: 0 } : { rollouts: rest }),
    last: number,
    changedMs: now,
    ...unwritten,
  });
  forgetOld(draft, ref, number);
  return true;
}

const unwritten = { created: 0, modified: 0 } as const;
const nothing = new Uint8Array(0);

/** Only the fields of the name: a command has more. */
function refOf({ namespace, app, cluster, name }: ConfigRef): ConfigRef {
  return { namespace, app, cluster, name };
}

type Written = Omit<ConfigRow, 'rollouts' | 'visibility' | 'parents'> & {
  readonly rollouts?: ConfigRow['rollouts'] | undefined;
  readonly visibility?: 'public' | 'private';
  readonly parents?: ConfigRow['parents'];
};

/** An empty list is none, so that equal rows stay equal. */
function write(draft: Draft, { rollouts = [], parents = [], visibility, ...row }: Written): void {
  draft.put<ConfigRow>({
    ...row,
    ...(visibility === 'public' ? { visibility } : {}),
    ...(parents.length === 0 ? {} : { parents }),
    ...(rollouts.length === 0 ? {} : { rollouts }),
  });
}

function about({ by, from, message }: ConfigPublish | ConfigRollback | ConfigRemove) {
  return { ...(by === undefined ? {} : { by }), ...(from === undefined ? {} : { from }), ...(message === undefined ? {} : { message }) };
}

function described({ format, description, tags, visibility, parents, configForeign: foreign }: ConfigPublish) {
  return {
    ...(format === undefined ? {} : { format }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(parents === undefined ? {} : { parents }),
    ...(foreign === undefined ? {} : { foreign }),
  };
}

/** The rollouts with one more, or in place of that of its name; the highest priority first. */
function withRollout(name: string, before: ConfigRow | undefined, rollout: Rollout): readonly Rollout[] {
  const others = before?.rollouts?.filter((each) => each.name !== rollout.name) ?? [];
  if (others.length >= limits.rolloutsMax) {
    throw invalid(`configuration ${name} has ${others.length} rollouts, the limit is ${limits.rolloutsMax}; stop one first`);
  }
  return [...others, rollout].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

/** Whether publishing it would change nothing that a reader sees. @param number of the release in its place; 0: none */
function saysTheSame(draft: Draft, before: ConfigRow, number: number, command: ConfigPublish): boolean {
  const { md5, content, rollout, format } = command;
  if (number === 0) return false;
  const current = findRelease(draft, before, number);
  if (current === undefined || current.md5 !== md5 || current.content.length !== content.length || current.format !== format) return false;
  if (!same(current.foreign, command.foreign)) return false;
  if (rollout === undefined) {
    const { visibility = 'private' } = before;
    return Object.entries(described(command)).every(([field, value]) => same(value, field === 'visibility' ? visibility : (before[field as keyof ConfigRow] ?? noneOf(value))));
  }
  const now = before.rollouts?.find(({ name }) => name === rollout.name);
  return now?.priority === rollout.priority && same(now.rule, rollout.rule);
}

/** An empty list is written as none. */
function noneOf(value: unknown): unknown {
  return Array.isArray(value) ? [] : undefined;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Forgets the step that the newest one pushes out of the history, unless clients still get it. */
function forgetOld(draft: Draft, ref: ConfigRef, last: number): void {
  const oldest = last - limits.historyMax;
  const row = findConfig(draft, ref);
  if (oldest <= 0 || row === undefined || isInUse(row, oldest)) return;
  draft.delete(releaseKey(ref, oldest));
}

/** Whether clients get the release. */
export function isInUse({ release, rollouts = [] }: ConfigRow, number: number): boolean {
  return release === number || rollouts.some((each) => each.release === number);
}
