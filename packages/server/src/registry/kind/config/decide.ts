/**
 * Decisions about configurations: publishing and removing, each a step of the history. A step that changes nothing is none.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { configLimits as limits, type ConfigPublish, type ConfigRemove } from './commands.ts';
import { findConfig, findRelease } from './find.ts';
import { releaseKey } from './keys.ts';
import type { ConfigRow, GrayRelease, ReleaseRow } from './rows.ts';

/**
 * @returns false when `cas` does not hold
 * @throws RegistryError `invalid_argument` for what is beyond a limit
 */
export function publish(draft: Draft, command: ConfigPublish, now: number): boolean {
  check(command);
  const { namespace, group, id, content, md5, cas, gray } = command;
  const before = findConfig(draft, namespace, group, id);
  const beside = gray === undefined ? before : before?.gray?.find(({ name }) => name === gray.name);
  if (cas !== undefined && cas !== (beside?.md5 ?? '')) return false;
  if (before !== undefined && saysTheSame(draft, before, beside?.release ?? 0, command)) return true;

  const number = (before?.last ?? 0) + 1;
  const step = { namespace, group, id, number, step: 'publish', replaced: beside?.release ?? 0, content, md5, atMs: now, ...about(command) } as const;
  draft.put<ReleaseRow>({
    ...{ kind: 'config-release', ...step },
    ...(command.type === undefined ? {} : { type: command.type }),
    ...(gray === undefined ? {} : { gray: gray.name }),
    ...(command.foreign === undefined ? {} : { foreign: command.foreign }),
    ...unwritten,
  });
  write(draft, {
    ...(before ?? { kind: 'config', namespace, group, id, release: 0, md5: '', bytes: 0, createdMs: now }),
    ...(gray === undefined ? { release: number, md5, bytes: content.length, ...described(command) } : { gray: withGray(id, before, { ...gray, release: number, md5 }) }),
    last: number,
    changedMs: now,
    ...unwritten,
  });
  forgetOld(draft, command, number);
  return true;
}

/** @returns false when there is nothing to remove */
export function remove(draft: Draft, command: ConfigRemove, now: number): boolean {
  const { namespace, group, id, gray } = command;
  const before = findConfig(draft, namespace, group, id);
  const replaced = gray === undefined ? before?.release : before?.gray?.find(({ name }) => name === gray)?.release;
  if (before === undefined || replaced === undefined || replaced === 0) return false;
  const number = before.last + 1;
  const { type, foreign } = findRelease(draft, before, replaced) ?? {};
  draft.put<ReleaseRow>({
    ...{ kind: 'config-release', namespace, group, id, number, step: 'remove', replaced, content: nothing, md5: '', atMs: now, ...about(command) },
    ...(type === undefined ? {} : { type }),
    ...(gray === undefined ? {} : { gray }),
    ...(foreign === undefined ? {} : { foreign }),
    ...unwritten,
  });
  const rest = before.gray?.filter(({ name }) => name !== gray);
  write(draft, {
    ...before,
    ...(gray === undefined ? { release: 0, md5: '', bytes: 0 } : { gray: rest }),
    last: number,
    changedMs: now,
    ...unwritten,
  });
  forgetOld(draft, command, number);
  return true;
}

const unwritten = { created: 0, modified: 0 } as const;
const nothing = new Uint8Array(0);

/** An empty list of gray releases is none, so that equal rows stay equal. */
function write(draft: Draft, { gray, ...row }: Omit<ConfigRow, 'gray'> & { readonly gray?: readonly GrayRelease[] | undefined }): void {
  draft.put<ConfigRow>(gray === undefined || gray.length === 0 ? row : { ...row, gray });
}

function about({ by, from }: ConfigPublish | ConfigRemove) {
  return { ...(by === undefined ? {} : { by }), ...(from === undefined ? {} : { from }) };
}

function described({ type, app, description, tags }: ConfigPublish) {
  return {
    ...(type === undefined ? {} : { type }),
    ...(app === undefined ? {} : { app }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** The gray releases with one more, or in place of that of its name; the highest priority first. */
function withGray(id: string, before: ConfigRow | undefined, gray: GrayRelease): readonly GrayRelease[] {
  const others = before?.gray?.filter(({ name }) => name !== gray.name) ?? [];
  if (others.length >= limits.grayMax) {
    throw invalid(`configuration ${id} has ${others.length} gray releases, the limit is ${limits.grayMax}; remove one first`);
  }
  return [...others, gray].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

/** Whether publishing it would change nothing that a reader sees. @param number of the release in its place; 0: none */
function saysTheSame(draft: Draft, before: ConfigRow, number: number, command: ConfigPublish): boolean {
  const { md5, content, gray, type } = command;
  if (number === 0) return false;
  const current = findRelease(draft, before, number);
  if (current === undefined || current.md5 !== md5 || current.content.length !== content.length || current.type !== type) return false;
  if (JSON.stringify(current.foreign) !== JSON.stringify(command.foreign)) return false;
  if (gray === undefined) {
    const { app = before.app, description = before.description, tags = before.tags } = command;
    return app === before.app && description === before.description && JSON.stringify(tags) === JSON.stringify(before.tags);
  }
  const same = before.gray?.find(({ name }) => name === gray.name);
  return same?.priority === gray.priority && JSON.stringify(same.rule) === JSON.stringify(gray.rule);
}

/** Forgets the step that the newest one pushes out of the history, unless clients still get it. */
function forgetOld(draft: Draft, { namespace, group, id }: ConfigPublish | ConfigRemove, last: number): void {
  const oldest = last - limits.historyMax;
  const row = findConfig(draft, namespace, group, id);
  if (oldest <= 0 || row === undefined || isInUse(row, oldest)) return;
  draft.delete(releaseKey(namespace, group, id, oldest));
}

/** Whether clients get the release. */
export function isInUse({ release, gray = [] }: ConfigRow, number: number): boolean {
  return release === number || gray.some((each) => each.release === number);
}

/** @throws RegistryError `invalid_argument` */
function check({ group, id, content, type = '', app = '', description = '', tags = [], by = '', gray }: ConfigPublish): void {
  const within = (what: string, text: string, most: number, least = 0) => {
    if (text.length < least || text.length > most) throw invalid(`${what} of a configuration has ${text.length} characters, it must have ${least} to ${most}`);
  };
  within('group', group, limits.groupMax, 1);
  within('id', id, limits.idMax, 1);
  if (/\p{Cc}/u.test(group + id)) throw invalid('the group and the id of a configuration must not contain control characters');
  if (content.length > limits.contentBytesMax) {
    throw invalid(`content of configuration ${id} has ${content.length} bytes, the limit is ${limits.contentBytesMax}; split it, or keep a link to it`);
  }
  for (const [what, text] of Object.entries({ type, app, by })) within(what, text, limits.wordMax);
  within('description', description, limits.descriptionMax);
  if (tags.length > limits.tagsMax) throw invalid(`configuration ${id} has ${tags.length} tags, the limit is ${limits.tagsMax}`);
  for (const tag of tags) within('tag', tag, limits.wordMax);
  if (gray === undefined) return;
  within('name of a gray release', gray.name, limits.wordMax, 1);
  if (gray.rule.kind === 'tag') within('tag of a gray release', gray.rule.tag, limits.wordMax, 1);
  else if (gray.rule.addresses.length === 0 || gray.rule.addresses.length > limits.addressesMax) {
    throw invalid(`a gray release names ${gray.rule.addresses.length} addresses, it must name 1 to ${limits.addressesMax}`);
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
