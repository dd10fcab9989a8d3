/** The bodies, parameters and answers of this front end. Bodies are read by these schemas, and a test validates real answers against them. */

import { configLimits as limits } from '../../registry/kind/config/commands.ts';
import { object, type Content, type Parameter, type Schema } from '../../net/open-api.ts';

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const yes: Schema = { type: 'boolean' };
const when: Schema = { type: 'number', minimum: 0, description: 'Milliseconds since the Unix epoch' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };
const texts: Schema = { type: 'array', items: text };
const anything: Schema = {};

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
const plan = object(planFields);
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
const settings = object(settingsFields);

const source: Schema = { type: 'string', enum: ['git'], description: 'The change comes from the repository that owns the configuration' };
const message: Schema = { type: 'string', maxLength: limits.messageMax };
const confirmed: Schema = { ...yes, description: 'Content that is emptied, or loses more than half of its bytes, is meant' };

export const publishBody = object({
  'content': text, 'format?': text, 'cas?': { ...text, description: 'The MD5 of the content that is replaced; empty: there may be none' },
  'message?': message, 'settings?': settings, 'rollout?': rolloutInput, 'confirmed?': confirmed, 'source?': source,
});
export const removeBody = object({ 'rollout?': { ...name, description: 'Only this rollout' }, 'message?': message, 'source?': source });
export const deleteBody = object({ 'message?': message, 'source?': source });
export const settingsBody = object({ ...settingsFields, 'message?': message });
export const rollbackBody = object({ 'to': { ...count, description: 'Number of the release whose content is published again' }, 'message?': message });
export const rolloutBody = object({ 'rollout': name, 'action': { type: 'string', enum: ['pause', 'resume', 'stop', 'complete', 'advance'] }, 'message?': message });
const removal: Schema = { ...yes, description: 'Clients are to get nothing any more' };
export const draftBody = object({ 'content?': text, 'format?': text, 'remove?': { ...removal, description: 'In place of content: clients are to get nothing any more' }, 'cas?': { ...count, description: 'Revision of the draft; 0: there may be none' }, 'own?': { ...yes, description: 'In place of cas: only if no other editor has edited the present draft, or it has the same content' }, 'source?': source });
export const checkBody = object({ 'content': text, 'format?': text, 'publishing?': { ...yes, description: 'Also asks the program that the policy names, and looks for a loss of content' } });
export const discardBody = object({ 'cas?': count });
export const proposeBody = object({
  'draft': { ...count, description: 'Revision of the draft' }, 'message?': message, 'notBeforeMs?': when, 'rollout?': rolloutInput, 'confirmed?': confirmed,
  'replace?': { ...yes, description: 'An open proposal of the same draft with another rollout or time is void, with its approvals' },
});
export const reviewBody = object({ 'number': count, 'message?': message });
export const reportBody = object({ release: count, instance: name, error: { type: 'string', maxLength: limits.errorMax } });
export const policy = object({
  'approvals?': count, 'fourEyes?': yes, 'freezes?': list(object({ fromMs: when, toMs: when, why: text })), 'schemaRequired?': yes, 'webhook?': text,
  'rollout?': plan, 'historyMax?': count, 'historyMs?': count,
});
export const environmentBody = object({ 'order': count, 'policy': policy, 'cas?': { ...count, description: 'Revision of the rules; 0: there may be none' }, 'message?': message });

const rules = object({ order: count, policy });

const staged = {
  ...planFields, 'stage': count, 'state': { type: 'string', enum: ['running', 'paused'] }, 'sinceMs': when, 'spentMs': count, 'assigned?': texts,
} as const satisfies Record<string, Schema>;
const rollout = object({ 'name': text, 'release': count, 'md5': text, 'rule?': rule, 'priority': { type: 'integer' }, 'staged?': object(staged) });

const row = {
  ...ref, 'release': { ...count, description: '0: none' }, 'last': count, 'unpublished?': { ...yes, description: 'No content was ever published' }, 'revision': count, 'md5': text, 'bytes': count, 'format?': text,
  ...settingsFields, 'rollouts?': list(rollout), 'createdMs': when, 'changedMs': when,
} as const satisfies Record<string, Schema>;
const step = {
  'number': count, 'step': text, 'parent': count, 'md5': text, 'hash': text, 'format?': text, 'rollout?': text, 'of?': count, 'atMs': when,
  'changes?': list(object({ 'setting': text, 'before?': anything, 'after?': anything }, 'Settings that changed with it; long values are cut')),
  'by?': text, 'from?': text, 'message?': text,
} as const satisfies Record<string, Schema>;
const release = object({ ...step, content: { ...text, description: 'With masks for secrets, unless they are revealed' } });

const proposal = {
  ...ref, 'number': count, 'state': text, 'remove?': removal, 'base': count, 'release?': count, 'message?': text, 'editors': texts, 'by?': text, 'atMs': when,
  'approvals': list(object({ 'by': text, 'atMs': when, 'message?': text })), 'missing': count, 'checks': texts, 'notBeforeMs?': when, 'rollout?': { ...rolloutInput, description: 'How it is published; absent: to all clients at once' },
  'replaces?': { ...count, description: 'The release that the rollout of that name had when it was proposed' }, 'byPolicy?': { ...yes, description: 'It is published as the policy of that time says: an older Rollcall has written it' },
} as const satisfies Record<string, Schema>;

const draft = { 'revision': count, 'remove?': removal, 'base': count, 'editors': texts, 'atMs': when } as const satisfies Record<string, Schema>;
const draftHead = object(draft);
const draftWithContent = { ...draft, 'environment?': text, 'app?': text, 'cluster?': text, 'name?': text, 'content?': { ...text, description: 'With whole=true' }, 'md5?': text, 'format?': text } as const satisfies Record<string, Schema>;

const reader = object({
  'client': text, 'node': text, 'via': text, 'cluster?': text, 'labels?': { type: 'object', additionalProperties: text },
  'report?': object({ 'release': count, 'applied': yes, 'error?': text, 'atMs': when }),
});

const diffLine = object({ 'change': { type: 'string', enum: ['same', 'removed', 'added'] }, 'text': text, 'unended?': { ...yes, description: 'The last line, which has no newline at its end while the other text has one' } });

export const answers = {
  one: json(object({ ...row, 'current?': release, 'draft?': object(draftWithContent) }), 'The configuration, and what all clients get of it'),
  list: json(list(object({ ...row, 'draft?': draftHead })), 'The configurations that the token may read, those that have only a draft included'),
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
  diff: json(list(diffLine), 'The lines of both'),
  done: json(object({ done: { ...yes, description: 'false: the condition does not hold, or there is nothing to do' } }), 'Whether it was done'),
  draft: json(object({ ...ref, 'revision': count, 'remove?': removal, 'content': text, 'md5': text, 'format?': text, 'base': count, 'editors': texts, 'atMs': when }), 'The draft'),
  saved: json(object({ 'done': yes, 'revision?': count }), 'The draft has this revision now'),
  proposed: json(object({ 'done': yes, 'number?': count }), 'The number of the proposal'),
  proposals: json(list(object(proposal)), 'The newest first'),
  proposal: json(object({ ...proposal, content: text, diff: list(diffLine) }), 'A proposal, and what it changes'),
  approvers: json(
    object({
      'approvals': { ...count, description: 'That the environment asks for' }, 'fourEyes': yes, 'accessControl': { ...yes, description: 'false: all callers can approve, by the name that they give' },
      'tokens?': { ...texts, description: 'Descriptions of tokens; only for callers with a token, as the rest' }, 'more?': { ...count, description: 'How many more descriptions there are' },
      'unnamed?': { ...count, description: 'Tokens without a description' }, 'roles?': { ...texts, description: 'Names of roles that give the right' }, 'partial?': { ...yes, description: 'There are more tokens or roles than were looked at' },
    }),
    'Who has the right to approve it',
  ),
  published: json(object({ 'done': yes, 'release?': { ...count, description: 'Number of the step of the history' }, 'rollout?': { ...text, description: 'The rollout by which clients get it' }, 'removed?': { ...yes, description: 'The proposal was a removal' } }), 'The release'),
  checkedContent: json(
    object({
      faults: list(object({ 'kind': text, 'message': text, 'line?': count, 'column?': count, 'path?': { ...text, description: 'JSON pointer of the value, or the flat key' } })),
      checks: { ...texts, description: 'What was checked, when there is no fault' },
      refusals: { ...list(object({ reason: { type: 'string', enum: ['webhook', 'loss'] }, message: text })), description: 'Why it would not be published as it is; a loss may be confirmed' },
    }),
    'What is wrong with it; a secret that is masked counts as it is',
  ),
  pending: json(
    object({
      rollouts: list(object({ ...ref, rollout: text, release: count, stage: count, stages: count, state: { type: 'string', enum: ['running', 'paused'] }, sinceMs: when })),
      proposals: list(object({ ...proposal, can: { ...list({ type: 'string', enum: ['approve', 'publish', 'edit'] }), description: 'What the caller may do with it' } })),
    }),
    'At most 1,000 of both; the newest proposals first',
  ),
  environments: json(list(object({ environment: text, order: count, policy, revision: { ...count, description: '0: it has no rules' } })), 'In their order; environments without rules come last'),
  environmentHistory: json(list(object({ 'number': count, 'before?': rules, 'after?': rules, 'atMs': when, 'by?': text, 'from?': text, 'message?': text })), 'The newest first; without before it had no rules, without after they were taken away'),
  who: json(
    object({
      readers: list(object({
        'instance': { ...text, description: 'NODE/ID, or the name of a client that is no instance' }, 'address': text, 'release': { ...count, description: 'That it gets; 0: nothing' }, 'rollout?': text,
        'applied?': { ...count, description: 'That its program uses, as it says' }, 'unhealthy?': yes, 'error?': { ...text, description: 'Why it cannot use the release, or that it was lost' },
        'reader?': { ...reader, description: 'The client that is connected for it' },
      })),
      releases: { ...list(object({ release: count, readers: count, instances: count, applied: count, unhealthy: count, errors: count, faulty: { ...count, description: 'Instances that are unhealthy, report an error, or both' } })), description: 'How all that get one release are, the newest first' },
      count: { ...count, description: 'Connected clients; at most 10,000 of them are listed' },
      missing: { ...texts, description: 'Nodes that did not say who is connected to them' },
    }),
    'The live instances of the service and the connected clients of all clusters, and which release each gets',
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
