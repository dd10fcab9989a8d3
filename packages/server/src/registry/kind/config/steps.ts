/** How a step of the history is written: the release, the row that points to it, and what leaves the history for it. */

import type { Draft } from '../../draft.ts';
import type { Lookup } from '../../room.ts';
import { configLimits as limits, type Rewrapped } from './commands.ts';
import { findConfig, findRelease, policyOf } from './find.ts';
import { releaseKey } from './keys.ts';
import type { ConfigRef, ConfigRow, ReleaseRow } from './rows.ts';

export const unwritten = { created: 0, modified: 0 } as const;
export const nothing = new Uint8Array(0);

/** Only the fields of the name: a command has more. */
export function refOf({ namespace, app, cluster, name }: ConfigRef): ConfigRef {
  return { namespace, app, cluster, name };
}

/** The content of a row that is published again, wrapped by the newest key if the service has done that. */
export function storedContent({ content, md5, hash }: Pick<ReleaseRow, 'content' | 'md5' | 'hash'>, rewrapped: Rewrapped | undefined) {
  return rewrapped?.instead === hash ? { content: rewrapped.content, md5: rewrapped.md5, hash: rewrapped.hash } : { content, md5, hash };
}

/** A configuration that clients get nothing of. */
export function newConfig(ref: ConfigRef, now: number): ConfigRow {
  return { kind: 'config', ...ref, release: 0, last: 0, md5: '', bytes: 0, createdMs: now, changedMs: now, ...unwritten };
}

/** @returns its number */
export function writeStep(draft: Draft, before: ConfigRow, step: Omit<ReleaseRow, 'kind' | 'number' | keyof ConfigRef | 'created' | 'modified'>): number {
  const number = before.last + 1;
  draft.put<ReleaseRow>({ kind: 'config-release', ...refOf(before), number, ...step, ...unwritten });
  return number;
}

/** Writes the row after a step. An empty list is none, so that equal rows stay equal. */
export function writeConfig(draft: Draft, row: ConfigRow, changes: { -readonly [Field in keyof ConfigRow]?: ConfigRow[Field] | undefined }): void {
  const written = Object.entries({ ...row, ...changes, ...unwritten }).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0));
  draft.put<ConfigRow>(Object.fromEntries(written) as unknown as ConfigRow);
}

/** Forgets the step that the newest one pushes out of the history, unless clients still get it. Others that are too old lapse. */
export function forgetOld(draft: Draft, ref: ConfigRef, last: number): void {
  const row = findConfig(draft, ref);
  const oldest = last - historyMaxOf(draft, ref.namespace);
  if (oldest <= 0 || row === undefined || isInUse(row, oldest) || findRelease(draft, ref, oldest) === undefined) return;
  draft.delete(releaseKey(ref, oldest));
}

/** Steps that are kept of a configuration; Infinity where the policy keeps all. */
export function historyMaxOf(lookup: Lookup, namespace: string): number {
  const { historyMax = limits.historyMax } = policyOf(lookup, namespace);
  return historyMax === 'forever' ? Infinity : historyMax;
}

/** Whether clients get the release. */
export function isInUse({ release, rollouts = [] }: ConfigRow, number: number): boolean {
  return release === number || rollouts.some((each) => each.release === number);
}

/** Who did it, and why, as the row has it. */
export function about({ by, from, message }: { readonly by?: string; readonly from?: string; readonly message?: string }) {
  return { ...(by === undefined ? {} : { by }), ...(from === undefined ? {} : { from }), ...(message === undefined ? {} : { message }) };
}
