/** What must hold before content goes to clients, or is edited: the policy of the environment, and the owner of the configuration. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { configName, policyOf } from './find.ts';
import type { ConfigRef, ConfigRow, Policy } from './rows.ts';
import { utcTime } from './utc-time.ts';

export interface Publishing {
  readonly ref: ConfigRef;
  /** Undefined for a configuration that does not exist yet. */
  readonly row: ConfigRow | undefined;
  readonly format?: string | undefined;
  /** Whether an approved proposal is published. */
  readonly approved?: true;
  /** Whether clients are to get nothing any more. */
  readonly removal?: true;
  readonly source?: 'git' | undefined;
}

/** @throws RegistryError `failed_precondition` */
export function admitPublishing(draft: Draft, { ref, row, format, approved, removal, source }: Publishing, now: number): void {
  const policy = policyOf(draft, ref.namespace);
  admitSource(ref, row, source);
  admitTime(ref, policy, now);
  const { approvals = 0, schemaRequired = false } = policy;
  if (approved !== true && approvals > 0) {
    throw refused(`the environment ${ref.namespace} asks for ${approvals} approval${approvals === 1 ? '' : 's'}: save a draft of ${removal === true ? 'the removal of ' : ''}${configName(ref)}, and propose it`);
  }
  if (schemaRequired && row?.schema === undefined && format !== undefined && !withoutSchema.has(format)) {
    throw refused(`the environment ${ref.namespace} asks for a schema, and ${configName(ref)} has none; set one first`);
  }
}

/** Formats whose content is not a set of values, or has a schema of its own. */
const withoutSchema: ReadonlySet<string> = new Set(['text', 'flags', 'xml', 'html', 'unset']);

/** A configuration that a repository owns is changed from there only. @throws RegistryError `failed_precondition` */
export function admitSource(ref: ConfigRef, row: ConfigRow | undefined, source: 'git' | undefined): void {
  if (row?.owner !== 'git' || source === 'git') return;
  throw refused(`configuration ${configName(ref)} comes from a repository; change it there, or take the owner away from it`);
}

/** @throws RegistryError `failed_precondition` during a freeze */
export function admitTime({ namespace }: ConfigRef, { freezes = [] }: Policy, now: number): void {
  const freeze = freezes.find(({ fromMs, toMs }) => fromMs <= now && now < toMs);
  if (freeze === undefined) return;
  throw refused(`nothing is published in the environment ${namespace} until ${utcTime(freeze.toMs)}: ${freeze.why}`);
}

export function refused(message: string): RegistryError {
  return new RegistryError('failed_precondition', message);
}
