/**
 * Decisions about drafts and proposals.
 *
 *   draft ── saved again, or renewed ──► the open proposal of it is void
 *     └─ proposed ─► open ── approved by enough people ── published ─► release
 *                      └── withdrawn
 *
 * The number of a proposal is the revision of the draft that it proposes, so a draft has one open proposal at most, and a number stands for one
 * content, one rollout and one time: an approval of it is of nothing else. To propose the same content on other terms, the draft gets a new revision.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { admitPublishing, admitSource, refused } from './admission.ts';
import { checkContent, checkPerson, checkRef, checkRollout, invalid } from './check.ts';
import { configLimits as limits, type ConfigDelete, type ConfigDraftDelete, type ConfigDraftPut, type ConfigDraftRenew, type ConfigPropose, type ConfigPublishProposal, type ConfigReview } from './commands.ts';
import { release, takeAway, type Content } from './decide.ts';
import { approvalsThatCount, configName, findConfig, findDraft, findProposal, findRelease, policyOf } from './find.ts';
import { configKey, draftKey, releaseKey } from './keys.ts';
import type { ConfigRef, ConfigRow, DraftRow, ProposalRow, RolloutInput } from './rows.ts';
import { approvedRollout, checkPlan, wantedRollout } from './rollouts.ts';
import { newConfig, nothing, refOf, storedContent, unwritten } from './steps.ts';
import { utcTime } from './utc-time.ts';

/**
 * @returns false when `cas` does not hold
 * @throws RegistryError `invalid_argument` beyond a limit; `failed_precondition` when a repository owns the configuration
 */
export function putDraft(draft: Draft, command: ConfigDraftPut, now: number): boolean {
  checkRef(command);
  const { content, md5, hash, format, remove, cas, by, source } = command;
  const ref = refOf(command);
  const row = findConfig(draft, ref);
  if (remove === true && (row?.release ?? 0) === 0) throw refused(`clients get nothing of configuration ${configName(ref)}, so its removal cannot be drafted`);
  checkContent(command, row?.bytesMax);
  admitSource(ref, row, source);
  const before = findDraft(draft, ref);
  if (cas !== undefined && cas !== (before?.modified ?? 0)) return false;
  const base = row?.release ?? 0;
  if (before !== undefined && before.md5 === md5 && before.format === format && before.remove === remove && before.base === base) return true;
  if (before !== undefined) makeVoid(draft, ref, before);
  draft.put<DraftRow>({
    ...{ kind: 'config-draft', ...ref, content, md5, hash, base, editors: people([...(before?.editors ?? []), by]), atMs: now },
    ...defined({ format, remove }),
    ...unwritten,
  });
  return true;
}

/** @returns false when there is none, or `cas` does not hold */
export function deleteDraft(draft: Draft, command: ConfigDraftDelete): boolean {
  const ref = refOf(command);
  const before = findDraft(draft, ref);
  if (before === undefined || (command.cas !== undefined && command.cas !== before.modified)) return false;
  makeVoid(draft, ref, before);
  draft.delete(draftKey(ref));
  return true;
}

/** @returns false when it has another revision by now */
export function renewDraft(draft: Draft, command: ConfigDraftRenew): boolean {
  const ref = refOf(command);
  const before = findDraft(draft, ref);
  if (before?.modified !== command.draft) return false;
  makeVoid(draft, ref, before);
  draft.put<DraftRow>({ ...before, earlier: before.modified, ...unwritten });
  return true;
}

/**
 * Deletes a configuration that was never published: its draft, its open proposal and its settings.
 * @returns false when there is nothing
 * @throws RegistryError `failed_precondition` when it was published, since its history stays, or when a repository owns it
 */
export function deleteUnpublished(draft: Draft, command: ConfigDelete): boolean {
  const ref = refOf(command);
  const row = findConfig(draft, ref);
  if (row !== undefined && row.last > 0 && row.unpublished !== true) {
    throw refused(`configuration ${configName(ref)} was published, so its history stays; remove it, or discard its draft`);
  }
  admitSource(ref, row, command.source);
  const hadDraft = deleteDraft(draft, { kind: 'config-draft-delete', ...ref });
  if (row === undefined) return hadDraft;
  // Those before lapse: a history of nothing but settings is short.
  for (let number = row.last; number > Math.max(0, row.last - stepsAtOnce); number--) if (findRelease(draft, ref, number) !== undefined) draft.delete(releaseKey(ref, number));
  draft.delete(configKey(ref));
  return true;
}

/** Steps that one small transaction deletes: the smallest has room for 128 rows. */
const stepsAtOnce = 64;

/**
 * @returns the proposal's number; false when the draft has another revision by now
 * @throws RegistryError `failed_precondition` when it was proposed already; `invalid_argument` for a rollout beyond a limit
 */
export function propose(draft: Draft, command: ConfigPropose, now: number): number | false {
  const ref = refOf(command);
  const { draft: number, notBeforeMs, by, rollout: asked } = command;
  checkPerson(command);
  if (asked !== undefined) checkRollout(asked);
  if (asked?.plan !== undefined) checkPlan(asked.plan);
  const proposed = findDraft(draft, ref);
  if (proposed === undefined || proposed.modified !== number) return false;
  const earlier = findProposal(draft, ref, number);
  if (earlier !== undefined) throw refused(`draft ${number} of ${configName(ref)} ${earlier.state === 'open' ? 'is proposed already' : `was proposed already, and the proposal is ${earlier.state}`}`);
  const { content, md5, hash, format, remove, base, editors } = proposed;
  if (remove === true && asked !== undefined) throw invalid('a removal concerns all clients at once, so it has no rollout');
  const row = findConfig(draft, ref);
  // The policy may change before it is published, and then approvers would have approved something else.
  const rollout = remove === true ? undefined : wantedRollout(draft, row ?? newConfig(ref, now), asked);
  const replaces = rollout && releaseOf(row, rollout);
  draft.put<ProposalRow>({
    ...{ kind: 'config-proposal', ...ref, number, content, md5, hash, base, state: 'open', editors: people([...editors, by]), atMs: now, approvals: [], checks: command.checked },
    ...defined({ by, message: command.message, format, remove, notBeforeMs, rollout, replaces }),
    ...unwritten,
  });
  return number;
}

/**
 * @returns whether it changed anything
 * @throws RegistryError `not_found`; `failed_precondition` when it is not open, or its editor approves it where others have to;
 *   `invalid_argument` when the approver has no name
 */
export function review(draft: Draft, command: ConfigReview, now: number): boolean {
  const ref = refOf(command);
  const { number, verdict, by = '', message } = command;
  checkPerson(command);
  const proposal = openProposal(draft, ref, number);
  if (verdict === 'withdraw') {
    end(draft, proposal, { state: 'withdrawn' });
    return true;
  }
  if (by === '') throw invalid('an approval needs the name of the approver');
  if (policyOf(draft, ref.namespace).fourEyes === true && proposal.editors.includes(by)) {
    throw refused(`${by} edited proposal ${number} of ${configName(ref)}, and the environment ${ref.namespace} asks for the approval of another person`);
  }
  if (proposal.approvals.some((each) => each.by === by)) return false;
  if (proposal.approvals.length >= limits.peopleMax) throw refused(`proposal ${number} of ${configName(ref)} has ${limits.peopleMax} approvals, which is the limit`);
  draft.put<ProposalRow>({ ...proposal, approvals: [...proposal.approvals, { by, atMs: now, ...(message === undefined || message === '' ? {} : { message }) }], ...unwritten });
  return true;
}

/**
 * Publishes a proposal that has the approvals which the policy asks for now.
 * @returns the number of the release; false when it is not open any more
 * @throws RegistryError `not_found`; `failed_precondition` when approvals lack, its time has not come, or the policy is against it;
 *   `aborted` when the configuration was published since the draft was saved
 */
export function publishProposal(draft: Draft, command: ConfigPublishProposal, now: number): number | false {
  const ref = refOf(command);
  const { number } = command;
  const proposal = findProposal(draft, ref, number);
  if (proposal === undefined) throw unknown(ref, number);
  if (proposal.state !== 'open') return false;
  const policy = policyOf(draft, ref.namespace);
  const { approvals = 0 } = policy;
  const given = approvalsThatCount(proposal, policy).length;
  if (given < approvals) throw refused(`proposal ${number} of ${configName(ref)} has ${given} of ${approvals} approvals that the environment ${ref.namespace} asks for`);
  const { notBeforeMs = 0 } = proposal;
  if (notBeforeMs > now) throw refused(`proposal ${number} of ${configName(ref)} is for ${utcTime(notBeforeMs)}`);
  const row = findConfig(draft, ref) ?? newConfig(ref, now);
  if (row.release !== proposal.base) {
    throw new RegistryError('aborted', `configuration ${configName(ref)} was published since draft ${number} was saved: it has release ${row.release}, and the draft is based on ${proposal.base}; save the draft again on top of it`);
  }
  const rollout = approvedRollout(draft, row, proposal);
  if (rollout !== undefined && proposal.byPolicy !== true && releaseOf(row, rollout) !== proposal.replaces) {
    throw new RegistryError('aborted', `rollout ${rollout.name} of ${configName(ref)} has changed since proposal ${number} was made: it has release ${releaseOf(row, rollout) ?? 'none'}, and the proposal replaces ${proposal.replaces ?? 'none'}; propose the draft again`);
  }
  admitPublishing(draft, { ref, row, format: proposal.format, approved: true, source: 'git' }, now);
  const author = defined({ by: command.by ?? proposal.by, from: command.from, message: command.message ?? proposal.message });
  const made = proposal.remove === true ? takeAway(draft, row, { rollout: undefined, parent: row.release, ...author }, now) : release(draft, row, { ...contentOf(proposal, command), rollout, ...author }, now);
  end(draft, proposal, { state: 'published', release: made });
  if (findDraft(draft, ref)?.modified === number) draft.delete(draftKey(ref));
  return made;
}

function contentOf(proposal: ProposalRow, { rewrapped, places }: ConfigPublishProposal): Content {
  const { format } = proposal;
  return { ...storedContent(proposal, rewrapped), ...defined({ format, places }) };
}

/** What the clients of a rollout get now. */
function releaseOf(row: ConfigRow | undefined, { name }: RolloutInput): number | undefined {
  return row?.rollouts?.find((each) => each.name === name)?.release;
}

function openProposal(draft: Draft, ref: ConfigRef, number: number): ProposalRow {
  const proposal = findProposal(draft, ref, number);
  if (proposal === undefined) throw unknown(ref, number);
  if (proposal.state !== 'open') throw refused(`proposal ${number} of ${configName(ref)} is ${proposal.state}${proposal.state === 'void' ? ': its draft was changed, thrown away or proposed anew, so its approvals are void; review the newest proposal' : ''}`);
  return proposal;
}

function unknown(ref: ConfigRef, number: number): RegistryError {
  return new RegistryError('not_found', `configuration ${configName(ref)} has no proposal ${number}`);
}

function makeVoid(draft: Draft, ref: ConfigRef, { modified }: DraftRow): void {
  const proposal = findProposal(draft, ref, modified);
  if (proposal?.state === 'open') end(draft, proposal, { state: 'void' });
}

/** Its content is not needed any more: that of a published one is in the release. */
function end(draft: Draft, proposal: ProposalRow, outcome: Pick<ProposalRow, 'state' | 'release'>): void {
  draft.put<ProposalRow>({ ...proposal, content: nothing, ...outcome, ...unwritten });
}

/** The last ones, each once. */
function people(names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== undefined && name !== ''))].slice(-limits.peopleMax) as string[];
}

function defined<T extends object>(fields: T): { [Field in keyof T]?: Exclude<T[Field], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [Field in keyof T]?: Exclude<T[Field], undefined> };
}
