/** The bodies and parameters of this front end, and which answer each route has. Bodies are read by these schemas, and a test validates real answers against them. */

import { approversSchema, configDiffSchema, configHistorySchema, configListSchema, configPolicySchema, configReadersSchema, configSchema, configSettings, configVerdictSchema, doneSchema, draftSavedSchema, draftSchema, environmentHistorySchema, environmentListSchema, oldKeysSchema, pendingWorkSchema, proposalListSchema, proposalSchema, proposedSchema, publishedSchema, releaseSchema, resolvedConfigSchema, rolloutInputSchema, settledSchema } from '@rollcall/protocol';
import { configLimits as limits } from '../../registry/kind/config/commands.ts';
import { object, type Content, type Parameter, type Schema } from '../../net/open-api.ts';

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const yes: Schema = { type: 'boolean' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };

export const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });

const source: Schema = { type: 'string', enum: ['git'], description: 'The change comes from the repository that owns the configuration' };
const message: Schema = { type: 'string', maxLength: limits.messageMax };
const confirmed: Schema = { ...yes, description: 'Content that is emptied, or loses more than half of its bytes, is meant' };

export const publishBody = object({
  'content': text, 'format?': text, 'cas?': { ...text, description: 'The MD5 of the content that is replaced; empty: there may be none' },
  'message?': message, 'settings?': object(configSettings), 'rollout?': rolloutInputSchema, 'confirmed?': confirmed, 'source?': source,
});
export const removeBody = object({ 'rollout?': { ...name, description: 'Only this rollout' }, 'message?': message, 'source?': source });
export const deleteBody = object({ 'message?': message, 'source?': source });
export const settingsBody = object({ ...configSettings, 'message?': message });
export const rollbackBody = object({ 'to': { ...count, description: 'Number of the release whose content is published again' }, 'message?': message });
export const rolloutBody = object({ 'rollout': name, 'action': { type: 'string', enum: ['pause', 'resume', 'stop', 'complete', 'advance'] }, 'message?': message });
export const draftBody = object({ 'content?': text, 'format?': text, 'remove?': { ...yes, description: 'In place of content: clients are to get nothing any more' }, 'cas?': { ...count, description: 'Revision of the draft; 0: there may be none' }, 'own?': { ...yes, description: 'In place of cas: only if no other editor has edited the present draft, or it has the same content' }, 'source?': source });
export const checkBody = object({ 'content': text, 'format?': text, 'publishing?': { ...yes, description: 'Also asks the program that the policy names, and looks for a loss of content' } });
export const discardBody = object({ 'cas?': count });
export const proposeBody = object({
  'draft': { ...count, description: 'Revision of the draft' }, 'message?': message, 'notBeforeMs?': { type: 'number', minimum: 0, description: 'Milliseconds since the Unix epoch' }, 'rollout?': rolloutInputSchema, 'confirmed?': confirmed,
  'replace?': { ...yes, description: 'An open proposal of the same draft with another rollout or time is void, with its approvals' },
});
export const reviewBody = object({ 'number': count, 'message?': message });
export const reportBody = object({ release: count, instance: name, error: { type: 'string', maxLength: limits.errorMax } });
export const environmentBody = object({ 'order': count, 'policy': configPolicySchema, 'cas?': { ...count, description: 'Revision of the rules; 0: there may be none' }, 'message?': message });

export const answers = {
  one: json(configSchema, 'The configuration, and what all clients get of it'),
  list: json(configListSchema, 'The configurations that the token may read, those that have only a draft included'),
  oldKeys: json(oldKeysSchema, 'Those that the token may read; a key that is in no entry may be removed'),
  resolved: json(resolvedConfigSchema, 'What the client gets: the first layer wins'),
  history: json(configHistorySchema, 'The steps that are kept, the newest first'),
  release: json(releaseSchema, 'One step with its content'),
  diff: json(configDiffSchema, 'The lines of both'),
  done: json(doneSchema, 'Whether it was done'),
  draft: json(draftSchema, 'The draft'),
  settled: json(settledSchema, 'The settings are changed'),
  saved: json(draftSavedSchema, 'The draft has this revision now'),
  proposed: json(proposedSchema, 'The number of the proposal'),
  proposals: json(proposalListSchema, 'The newest first'),
  proposal: json(proposalSchema, 'A proposal, and what it changes'),
  approvers: json(approversSchema, 'Who has the right to approve it'),
  published: json(publishedSchema, 'The release'),
  checkedContent: json(configVerdictSchema, 'What is wrong with it; a secret that is masked counts as it is'),
  pending: json(pendingWorkSchema, 'At most 1,000 of both; the newest proposals first'),
  environments: json(environmentListSchema, 'In their order; environments without rules come last'),
  environmentHistory: json(environmentHistorySchema, 'The newest first; without before it had no rules, without after they were taken away'),
  who: json(configReadersSchema, 'The live instances of the service and the connected clients of all clusters, and which release each gets'),
} as const satisfies Record<string, Content>;

const parameter = (what: string, description: string, schema: Schema = name): Parameter => ({ name: what, description, schema });
const required = (what: string, description: string, schema: Schema = name): Parameter => ({ ...parameter(what, description, schema), required: true });

export const environmentParameter = parameter('environment', 'The environment, which is a namespace; by default that of the token');
export const environmentsParameter = parameter('environment', 'An environment, which is a namespace; may be repeated, 100 at most: the list has them in this order. By default that of the token', { type: 'array', items: name });
/** They name a configuration. */
export const refParameters: readonly Parameter[] = [
  required('app', 'The app'), required('name', 'The name'), environmentParameter, parameter('cluster', 'The cluster', { ...name, default: 'default' }),
];
export const by = parameter('by', 'Who asks, while access control is off');
export const reveal = parameter('reveal', 'true: with secrets, which needs the right to reveal', yes);
export const whole = parameter('whole', 'true: with the content of the draft', yes);
export const at = parameter('at', 'As of this time: milliseconds since the Unix epoch, or r and a revision. Secrets stay masked', text);
export const numbered = required('number', 'Its number', count);
export const numberedProposal = parameter('number', 'A proposal: its editors are left out where approvals of others are asked for; without it those of the draft, and the caller', count);
export const readerParameters: readonly Parameter[] = [
  required('app', 'The app'), required('name', 'The name'), environmentParameter, reveal,
  parameter('instance', 'The instance that asks, as NODE/ID'), parameter('address', 'Its address'), parameter('readerApp', 'Its app'),
  parameter('cluster', 'Its cluster'), parameter('datacentre', 'Its datacentre'), parameter('label', 'A label, as KEY=VALUE; may be repeated', { type: 'array', items: text }),
];
export const diffParameters: readonly Parameter[] = [...refParameters, required('from', 'A release; 0: nothing; draft: the draft', text), required('to', 'Another one', text)];
export const limitParameter = parameter('limit', 'At most so many readers, those with a fault first; all of them count in releases', count);
export const serviceParameter = parameter('service', 'The service that has the instances; by default the app');
