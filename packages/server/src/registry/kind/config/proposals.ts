/**
 * Decisions about drafts and proposals.
 *
 *   draft ── saved again ──► the open proposal of it is void
 *     └─ proposed ─► open ── approved by enough people ── published ─► release
 *                      └── withdrawn
 *
 * The number of a proposal is the revision of the draft that it proposes, so a draft has one open proposal at most.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { admitPublishing, admitSource, refused } from './admission.ts';
import { checkContent, checkPerson, checkRef, invalid } from './check.ts';
import { configLimits as limits, type ConfigDelete, type ConfigDraftDelete, type ConfigDraftPut, type ConfigPropose, type ConfigPublishProposal, type ConfigReview } from './commands.ts';
import { release } from './decide.ts';
import { approvalsThatCount, configName, findConfig, findDraft, findProposal, policyOf } from './find.ts';
import { configKey, draftKey } from './keys.ts';
import type { ConfigRef, DraftRow, ProposalRow } from './rows.ts';
import { checkPlan, ownName } from './rollouts.ts';
import { about, newConfig, nothing, refOf, storedContent, unwritten } from './steps.ts';
import { utcTime } from './utc-time.ts';

/**
 * @returns false when `cas` does not hold
 * @throws RegistryError `invalid_argument` beyond a limit; `failed_precondition` when a repository owns the configuration
 */
export function putDraft(draft: Draft, command: ConfigDraftPut, now: number): boolean {
  checkRef(command);
  const { content, md5, hash, format, cas, by, source } = command;
  const ref = refOf(command);
  const row = findConfig(draft, ref);
  checkContent(command, row?.bytesMax);
  admitSource(ref, row, source);
  const before = findDraft(draft, ref);
  if (cas !== undefined && cas !== (before?.modified ?? 0)) return false;
  const base = row?.release ?? 0;
  if (before !== undefined && before.md5 === md5 && before.format === format && before.base === base) return true;
  if (before !== undefined) makeVoid(draft, ref, before);
  draft.put<DraftRow>({
    ...{ kind: 'config-draft', ...ref, content, md5, hash, base, editors: people([...(before?.editors ?? []), by]), atMs: now },
    ...(format === undefined ? {} : { format }),
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

/**
 * Deletes a configuration that was never published: its draft, its open proposal and its settings.
 * @returns false when there is nothing
 * @throws RegistryError `failed_precondition` when it was published, since its history stays, or when a repository owns it
 */
export function deleteUnpublished(draft: Draft, command: ConfigDelete): boolean {
  const ref = refOf(command);
  const row = findConfig(draft, ref);
  if (row !== undefined && row.last > 0) {
    throw refused(`configuration ${configName(ref)} was published, so its history stays; remove it, or discard its draft`);
  }
  admitSource(ref, row, command.source);
  const hadDraft = deleteDraft(draft, { kind: 'config-draft-delete', ...ref });
  if (row === undefined) return hadDraft;
  draft.delete(configKey(ref));
  return true;
}

/**
 * @returns the proposal's number; false when the draft has another revision by now
 * @throws RegistryError `failed_precondition` when it is proposed already
 */
export function propose(draft: Draft, command: ConfigPropose, now: number): number | false {
  const ref = refOf(command);
  const { draft: number, notBeforeMs, by, rollout } = command;
  checkPerson(command);
  if (rollout !== undefined) checkPlan(rollout);
  const proposed = findDraft(draft, ref);
  if (proposed === undefined || proposed.modified !== number) return false;
  if (findProposal(draft, ref, number)?.state === 'open') throw refused(`draft ${number} of ${configName(ref)} is proposed already`);
  const { content, md5, hash, format, base, editors } = proposed;
  draft.put<ProposalRow>({
    ...{ kind: 'config-proposal', ...ref, number, content, md5, hash, base, state: 'open', editors: people([...editors, by]), atMs: now, approvals: [], checks: command.checked },
    ...about({ ...(by === undefined ? {} : { by }), ...(command.message === undefined ? {} : { message: command.message }) }),
    ...(format === undefined ? {} : { format }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(rollout === undefined ? {} : { rollout }),
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
  const { number, verdict, by = '' } = command;
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
  draft.put<ProposalRow>({ ...proposal, approvals: [...proposal.approvals, { by, atMs: now }], ...unwritten });
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
  admitPublishing(draft, { ref, row, format: proposal.format, approved: true, source: 'git' }, now);
  const { format, message, rollout: plan } = proposal;
  const { content, md5, hash } = storedContent(proposal, command.rewrapped);
  const rollout = plan && { name: ownName, priority: 0, plan };
  const author = { by: command.by ?? proposal.by, from: command.from, message: command.message ?? message };
  const made = release(draft, row, { content, md5, hash, ...defined({ format, rollout }), ...defined(author) }, now);
  end(draft, proposal, { state: 'published', release: made });
  if (findDraft(draft, ref)?.modified === number) draft.delete(draftKey(ref));
  return made;
}

function openProposal(draft: Draft, ref: ConfigRef, number: number): ProposalRow {
  const proposal = findProposal(draft, ref, number);
  if (proposal === undefined) throw unknown(ref, number);
  if (proposal.state !== 'open') throw refused(`proposal ${number} of ${configName(ref)} is ${proposal.state}`);
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
