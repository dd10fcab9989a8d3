/** The bodies, parameters and answers of this front end. Bodies are read by these schemas, and a test validates real answers against them. */

import { configLimits as limits } from '../../registry/kind/config/commands.ts';
import { object, type Content, type Parameter, type Schema } from '../../net/open-api.ts';

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const yes: Schema = { type: 'boolean' };
const when: Schema = { type: 'number', minimum: 0, description: 'Milliseconds since the Unix epoch' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };
const texts: Schema = { type: 'array', items: text };

const list = (items: Schema): Schema => ({ type: 'array', items });
export const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });

const ref = { environment: text, app: text, cluster: text, name: text };

const rule = object(
  { 'kind': { type: 'string', enum: ['app', 'address', 'label', 'instance', 'expression'] }, 'apps?': texts, 'addresses?': texts, 'label?': text, 'values?': texts, 'instances?': texts, 'expression?': text },
  'Which clients: of these apps; at these addresses or in these networks; with one of these values of a label; these instances; for which an expression holds',
);
const stage = object({ 'percent?': { type: 'number', minimum: 0, maximum: 100 }, 'count?': count, 'bakeMs': count }, 'A percentage of the clients, or a count of live instances, and how long');
const alarm = object({
  'on': list({ type: 'string', enum: ['unhealthy', 'error'] }),
  'share': { type: 'number', minimum: 0, maximum: 1, description: 'By how much the share of such instances among those with the release must exceed the share among the others' },
  'atLeast?': count,
  'webhook?': text,
});
const planFields = { 'stages': list(stage), 'alarm?': alarm, 'service?': { ...name, description: 'The service that has the instances; by default the app' } };
export const plan = object(planFields);
const rolloutInput = object({ 'name': name, 'rule?': rule, 'priority?': { type: 'integer' }, 'plan?': plan }, 'Some clients get the release; with a plan, all of them by and by');

const settingsFields = {
  'description?': text,
  'tags?': texts,
  'visibility?': { type: 'string', enum: ['public', 'private'] },
  'parents?': list(object({ app: text, name: text })),
  'schema?': { ...text, description: 'A JSON Schema as text; empty: none' },
  'checks?': list(object({ 'expect': text, 'message?': text })),
  'bytesMax?': count,
  'owners?': texts,
  'owner?': { type: 'string', enum: ['git', ''] },
} as const satisfies Record<string, Schema>;
export const settings = object(settingsFields);

const source: Schema = { type: 'string', enum: ['git'], description: 'The change comes from the repository that owns the configuration' };
const message: Schema = { type: 'string', maxLength: limits.messageMax };
const confirmed: Schema = { ...yes, description: 'Content that is emptied, or loses more than half of its bytes, is meant' };

export const publishBody = object({
  'content': text, 'format?': text, 'cas?': { ...text, description: 'The MD5 of the content that is replaced; empty: there may be none' },
  'message?': message, 'settings?': settings, 'rollout?': rolloutInput, 'confirmed?': confirmed, 'source?': source,
});
export const removeBody = object({ 'rollout?': { ...name, description: 'Only this rollout' }, 'message?': message, 'source?': source });
export const deleteBody = object({ 'message?': message, 'source?': source });
export const settingsBody = settings;
export const rollbackBody = object({ 'to': { ...count, description: 'Number of the release whose content is published again' }, 'message?': message });
export const rolloutBody = object({ 'rollout': name, 'action': { type: 'string', enum: ['pause', 'resume', 'stop', 'complete', 'advance'] }, 'message?': message });
export const draftBody = object({ 'content': text, 'format?': text, 'cas?': { ...count, description: 'Revision of the draft; 0: there may be none' }, 'source?': source });
export const discardBody = object({ 'cas?': count });
export const proposeBody = object({
  'draft': { ...count, description: 'Revision of the draft' }, 'message?': message, 'notBeforeMs?': when, 'rollout?': plan, 'confirmed?': confirmed,
});
export const reviewBody = object({ 'number': count, 'message?': message });
export const reportBody = object({ release: count, instance: name, error: { type: 'string', maxLength: limits.errorMax } });
export const policy = object({
  'approvals?': count, 'fourEyes?': yes, 'freezes?': list(object({ fromMs: when, toMs: when, why: text })), 'schemaRequired?': yes, 'webhook?': text,
  'rollout?': plan, 'historyMax?': count, 'historyMs?': count,
});
export const environmentBody = object({ order: count, policy });

const staged = {
  ...planFields, 'stage': count, 'state': { type: 'string', enum: ['running', 'paused'] }, 'sinceMs': when, 'spentMs': count, 'assigned?': texts,
} as const satisfies Record<string, Schema>;
const rollout = object({ 'name': text, 'release': count, 'md5': text, 'rule?': rule, 'priority': { type: 'integer' }, 'staged?': object(staged) });

const row = {
  ...ref, 'release': { ...count, description: '0: none' }, 'last': count, 'revision': count, 'md5': text, 'bytes': count, 'format?': text,
  ...settingsFields, 'rollouts?': list(rollout), 'createdMs': when, 'changedMs': when,
} as const satisfies Record<string, Schema>;
const step = {
  'number': count, 'step': text, 'parent': count, 'md5': text, 'hash': text, 'format?': text, 'rollout?': text, 'of?': count, 'atMs': when,
  'by?': text, 'from?': text, 'message?': text,
} as const satisfies Record<string, Schema>;
const release = object({ ...step, content: { ...text, description: 'With masks for secrets, unless they are revealed' } });

const proposal = {
  ...ref, 'number': count, 'state': text, 'base': count, 'release?': count, 'message?': text, 'editors': texts, 'by?': text, 'atMs': when,
  'approvals': list(object({ by: text, atMs: when })), 'missing': count, 'checks': texts, 'notBeforeMs?': when, 'rollout?': plan,
} as const satisfies Record<string, Schema>;

export const answers = {
  one: json(object({ ...row, 'current?': release, 'draft?': object({ revision: count, base: count, editors: texts, atMs: when }) }), 'The configuration, and what all clients get of it'),
  list: json(list(object(row)), 'The configurations that the token may read'),
  oldKeys: json(
    list(object({ ...ref, keys: { ...texts, description: 'Ids of the keys' }, parts: list({ type: 'string', enum: ['release', 'history', 'draft', 'proposal'], description: 'release: what clients get; history: what a rollback may bring back' }) })),
    'Those that the token may read; a key that is in no entry may be removed',
  ),
  resolved: json(
    object({ layers: list(object({ ...ref, 'release': count, 'revision': count, 'rollout?': text, 'format?': text, 'md5': text, 'hash': text, 'content': text })), merged: object({ 'format?': text, 'content': text, 'values?': list(object({ key: text, value: text, from: text })) }) }),
    'What the client gets: the first layer wins',
  ),
  history: json(list(object(step)), 'The steps that are kept, the newest first'),
  release: json(release, 'One step with its content'),
  diff: json(list(object({ change: { type: 'string', enum: ['same', 'removed', 'added'] }, text })), 'The lines of both'),
  done: json(object({ done: { ...yes, description: 'false: the condition does not hold, or there is nothing to do' } }), 'Whether it was done'),
  draft: json(object({ ...ref, 'revision': count, 'content': text, 'md5': text, 'format?': text, 'base': count, 'editors': texts, 'atMs': when }), 'The draft'),
  saved: json(object({ 'done': yes, 'revision?': count }), 'The draft has this revision now'),
  proposed: json(object({ 'done': yes, 'number?': count }), 'The number of the proposal'),
  proposals: json(list(object(proposal)), 'The newest first'),
  proposal: json(object({ ...proposal, content: text, diff: list(object({ change: text, text })) }), 'A proposal, and what it changes'),
  published: json(object({ 'done': yes, 'release?': count }), 'The number of the release'),
  environments: json(list(object({ environment: text, order: count, policy })), 'In their order; environments without rules come last'),
  readers: json(
    object({
      readers: list(object({
        ...{ 'client': text, 'node': text, 'via': text, 'release': { ...count, description: 'What it was given; 0: nothing' }, 'rollout?': text },
        ...{ 'address?': text, 'instance?': text, 'cluster?': text, 'labels?': { type: 'object', additionalProperties: text } },
        'report?': object({ 'release': count, 'applied': yes, 'error?': text, 'atMs': when }),
      })),
      count: { ...count, description: 'All that read it; at most 10,000 of them are listed' },
      missing: { ...texts, description: 'Nodes that have not answered' },
    }),
    'The connected clients, with what each reports to use',
  ),
  who: json(
    object({
      readers: list(object({
        'instance': { ...text, description: 'NODE/ID, or the name of a client that is no instance' }, 'address': text, 'release': { ...count, description: 'That it gets; 0: nothing' }, 'rollout?': text,
        'applied?': { ...count, description: 'That its program uses, as it says' }, 'unhealthy?': yes, 'error?': text,
      })),
      missing: { ...texts, description: 'Nodes that did not say who is connected to them' },
    }),
    'The live instances of the service and the connected readers, and which release each gets',
  ),
} as const satisfies Record<string, Content>;

const parameter = (what: string, description: string, schema: Schema = name): Parameter => ({ name: what, description, schema });
const required = (what: string, description: string, schema: Schema = name): Parameter => ({ ...parameter(what, description, schema), required: true });

export const environmentParameter = parameter('environment', 'The environment, which is a namespace; by default that of the token');
/** They name a configuration. */
export const refParameters: readonly Parameter[] = [
  required('app', 'The app'), required('name', 'The name'), environmentParameter, parameter('cluster', 'The cluster', { ...name, default: 'default' }),
];
export const by = parameter('by', 'Who asks, while access control is off');
export const reveal = parameter('reveal', 'true: with secrets, which needs the right to reveal', yes);
export const numbered = required('number', 'Its number', count);
export const readerParameters: readonly Parameter[] = [
  required('app', 'The app'), required('name', 'The name'), environmentParameter, reveal,
  parameter('instance', 'The instance that asks, as NODE/ID'), parameter('address', 'Its address'), parameter('readerApp', 'Its app'),
  parameter('cluster', 'Its cluster'), parameter('datacentre', 'Its datacentre'), parameter('label', 'A label, as KEY=VALUE; may be repeated', { type: 'array', items: text }),
];
export const diffParameters: readonly Parameter[] = [...refParameters, required('from', 'A release; 0: nothing; draft: the draft', text), required('to', 'Another one', text)];
export const serviceParameter = parameter('service', 'The service that has the instances; by default the app');
