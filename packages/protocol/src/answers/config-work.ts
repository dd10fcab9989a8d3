/** Answers of `/rollcall/v1/config` about work on configurations: what was done, proposals and who approves them, checks, and the rules of environments. */

import { object, type Shaped } from '../schema.ts';
import { configDiffSchema, configRef, removal } from './config.ts';
import { rolloutInputSchema, rolloutPlanSchema } from './rollouts.ts';
import { count, text, texts, time, yes } from './values.ts';

const proposalState = { type: 'string', enum: ['open', 'published', 'void', 'withdrawn'] } as const;

const proposal = {
  ...configRef, 'number': count, 'state': proposalState, 'remove?': removal, 'base': count, 'release?': count, 'message?': text, 'editors': texts, 'by?': text, 'atMs': time,
  'approvals': { type: 'array', items: object({ 'by': text, 'atMs': time, 'message?': text }) },
  'missing': { ...count, description: 'Approvals that it still needs' },
  'checks': texts,
  'notBeforeMs?': time,
  'rollout?': { ...rolloutInputSchema, description: 'How it is published; absent: to all clients at once' },
  'replaces?': { ...count, description: 'The release that the rollout of that name had when it was proposed' },
  'byPolicy?': { ...yes, description: 'It is published as the policy of that time says: an older Rollcall has written it' },
} as const;

const listedProposal = object(proposal);

const goingOn = object({ ...configRef, rollout: text, release: count, stage: count, stages: count, state: { type: 'string', enum: ['running', 'paused'] }, sinceMs: time });

const waiting = object({ ...proposal, can: { type: 'array', items: { type: 'string', enum: ['approve', 'publish', 'edit'] }, description: 'What the caller may do with it' } });

const fault = object({ 'kind': text, 'message': text, 'line?': count, 'column?': count, 'path?': { ...text, description: 'JSON pointer of the value, or the flat key' } });

/** What an environment asks of each publication. */
export const configPolicySchema = object({
  'approvals?': count, 'fourEyes?': yes, 'freezes?': { type: 'array', items: object({ fromMs: time, toMs: time, why: text }) }, 'schemaRequired?': yes, 'webhook?': text,
  'rollout?': rolloutPlanSchema, 'historyMs?': count,
  'historyMax?': { anyOf: [count, { type: 'string', enum: ['forever'] }], description: 'Steps of the history that are kept of each configuration: a number, or forever; 100 when absent' },
});

const rules = object({ order: count, policy: configPolicySchema });

const environment = object({ environment: text, order: count, policy: configPolicySchema, revision: { ...count, description: '0: it has no rules' } });

const rulesStep = object({ 'number': count, 'before?': rules, 'after?': rules, 'atMs': time, 'by?': text, 'from?': text, 'message?': text });

/** Whether a change was made. */
export const doneSchema = object({ done: { ...yes, description: 'false: the condition does not hold, or there is nothing to do' } });
export const settledSchema = object({ 'done': yes, 'note?': { ...text, description: 'What the parents do not do, for people: only properties are merged key by key' } });
export const draftSavedSchema = object({ 'done': yes, 'revision?': { ...count, description: 'Of the draft' } });
export const proposedSchema = object({ 'done': yes, 'number?': { ...count, description: 'Of the proposal' } });
export const publishedSchema = object({
  'done': yes,
  'release?': { ...count, description: 'Number of the step of the history' },
  'rollout?': { ...text, description: 'The rollout by which clients get it' },
  'removed?': { ...yes, description: 'The proposal was a removal' },
  'state?': { ...proposalState, description: 'Of a proposal that was not published: void, since its draft was changed, thrown away or proposed anew, and its approvals with it; or published or withdrawn before' },
});
export const proposalListSchema = { type: 'array', items: listedProposal } as const;
export const proposalSchema = object({ ...proposal, content: text, diff: configDiffSchema });
export const approversSchema = object({
  'approvals': { ...count, description: 'That the environment asks for' },
  'fourEyes': yes,
  'accessControl': { ...yes, description: 'false: all callers can approve, by the name that they give' },
  'tokens?': { ...texts, description: 'Descriptions of tokens; only for callers with a token, as the rest' },
  'more?': { ...count, description: 'How many more descriptions there are' },
  'unnamed?': { ...count, description: 'Tokens without a description' },
  'roles?': { ...texts, description: 'Names of roles that give the right' },
  'partial?': { ...yes, description: 'There are more tokens or roles than were looked at' },
});
export const configVerdictSchema = object({
  faults: { type: 'array', items: fault },
  checks: { ...texts, description: 'What was checked, when there is no fault' },
  refusals: { type: 'array', items: object({ reason: { type: 'string', enum: ['webhook', 'loss'] }, message: text }), description: 'Why it would not be published as it is; a loss may be confirmed' },
});
export const pendingWorkSchema = object({ rollouts: { type: 'array', items: goingOn }, proposals: { type: 'array', items: waiting } });
export const environmentListSchema = { type: 'array', items: environment } as const;
export const environmentHistorySchema = { type: 'array', items: rulesStep } as const;

export type Done = Shaped<typeof doneSchema>;
/** Whether settings were changed. */
export type Settled = Shaped<typeof settledSchema>;
export type DraftSaved = Shaped<typeof draftSavedSchema>;
export type Proposed = Shaped<typeof proposedSchema>;
export type Published = Shaped<typeof publishedSchema>;
export type ListedProposal = Shaped<typeof listedProposal>;
/** A proposal with what it changes. */
export type ProposalDetail = Shaped<typeof proposalSchema>;
/** Who can approve a draft or a proposal. */
export type Approvers = Shaped<typeof approversSchema>;
/** What is wrong with a content. */
export type ContentFault = Shaped<typeof fault>;
export type ConfigVerdict = Shaped<typeof configVerdictSchema>;
/** Rollouts that go forward, and open proposals. */
export type PendingWork = Shaped<typeof pendingWorkSchema>;
export type ConfigPolicy = Shaped<typeof configPolicySchema>;
export type EnvironmentRules = Shaped<typeof rules>;
export type ConfigEnvironment = Shaped<typeof environment>;
/** A change of the rules of an environment. */
export type EnvironmentStep = Shaped<typeof rulesStep>;
