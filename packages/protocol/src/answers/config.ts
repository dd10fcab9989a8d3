/** Answers of `GET /rollcall/v1/config` and below it: configurations with their releases, what clients get, and who gets it. */

import { object, type Shaped } from '../schema.ts';
import { rolloutSchema } from './rollouts.ts';
import { count, labels, text, texts, time, yes } from './values.ts';

/** What names a configuration. */
export const configRef = { environment: text, app: text, cluster: text, name: text } as const;
/** Of a draft and of a proposal. */
export const removal = { ...yes, description: 'Clients are to get nothing any more' } as const;

/** What belongs to a configuration and not to its releases. */
export const configSettings = {
  'description?': text,
  'tags?': texts,
  'visibility?': { type: 'string', enum: ['public', 'private'] },
  'parents?': { type: 'array', items: object({ app: text, name: text }) },
  'schema?': { ...text, description: 'A JSON Schema as text; empty: none' },
  'checks?': { type: 'array', items: object({ 'expect': text, 'message?': text }) },
  'bytesMax?': count,
  'owners?': texts,
  'owner?': { type: 'string', enum: ['git', ''] },
} as const;
const settings = object(configSettings);

const draftHead = { 'revision': count, 'remove?': removal, 'base': { ...count, description: 'The release that was current when it was saved; 0: none' }, 'editors': texts, 'atMs': time } as const;

const draft = object({ ...configRef, ...draftHead, 'content': text, 'md5': text, 'format?': text });

const can = { type: 'array', items: { type: 'string', enum: ['read', 'edit', 'approve', 'publish', 'reveal'] }, description: 'What the caller may do with it' } as const;

const row = {
  ...configRef, 'release': { ...count, description: '0: none, and clients get nothing' }, 'last': count, 'unpublished?': { ...yes, description: 'No content was ever published' }, 'revision': count, 'md5': text, 'bytes': count, 'format?': text,
  ...configSettings, 'rollouts?': { type: 'array', items: rolloutSchema }, 'createdMs': time, 'changedMs': time,
  can,
} as const;

const listed = object({ ...row, 'draft?': object(draftHead) });

const change = object({ 'setting': text, 'before?': {}, 'after?': {} }, 'Settings that changed with it; long values are cut');

const step = {
  'number': count, 'step': text, 'parent': count, 'md5': text, 'hash': text, 'format?': text, 'rollout?': text, 'of?': count, 'atMs': time,
  'changes?': { type: 'array', items: change },
  'by?': text, 'from?': text, 'message?': text,
} as const;

const shownStep = object(step);

const diffLine = object({ 'change': { type: 'string', enum: ['same', 'removed', 'added'] }, 'text': text, 'unended?': { ...yes, description: 'The last line, which has no newline at its end while the other text has one' } });

const layer = object({ ...configRef, 'release': count, 'revision': count, 'rollout?': text, 'format?': text, 'md5': text, 'hash': text, 'content': text });

const reader = object({
  'client': text, 'node': text, 'via': text, 'cluster?': text, 'labels?': labels,
  'report?': object({ 'release': count, 'applied': yes, 'error?': text, 'atMs': time }),
});

const member = object({
  'instance': { ...text, description: 'NODE/ID, or the name of a client that is no instance' },
  'address': text,
  'release': { ...count, description: 'That it gets; 0: nothing' },
  'rollout?': text,
  'applied?': { ...count, description: 'That its program uses, as it says' },
  'unhealthy?': yes,
  'error?': { ...text, description: 'Why it cannot use the release, or that it was lost' },
  'reader?': { ...reader, description: 'The client that is connected for it' },
});

const counts = object({
  release: count,
  readers: count,
  instances: { ...count, description: 'Of the readers: live instances of the service' },
  applied: count,
  unhealthy: count,
  errors: count,
  faulty: { ...count, description: 'Instances that are unhealthy, report an error, or both' },
});

export const releaseSchema = object({ ...step, content: { ...text, description: 'With masks for secrets, unless they are revealed' } });
export const draftSchema = draft;
export const configSchema = object({ ...row, 'current?': releaseSchema, 'draft?': { anyOf: [draft, object(draftHead)], description: 'With its content if whole=true was asked for' } });
export const configListSchema = { type: 'array', items: listed } as const;
export const configHistorySchema = { type: 'array', items: shownStep } as const;
export const configDiffSchema = { type: 'array', items: diffLine } as const;
export const resolvedConfigSchema = object({
  layers: { type: 'array', items: layer },
  merged: object({ 'format?': text, 'content': text, 'values?': { type: 'array', items: object({ key: text, value: text, from: text }) } }),
});
export const configReadersSchema = object({
  readers: { type: 'array', items: member },
  releases: { type: 'array', items: counts, description: 'How all that get one release are, the newest first' },
  count: { ...count, description: 'Connected clients; at most 10,000 of them are listed' },
  missing: { ...texts, description: 'Nodes that did not say who is connected to them' },
});
export const oldKeysSchema = {
  type: 'array',
  items: object({ ...configRef, keys: { ...texts, description: 'Ids of the keys' }, parts: { type: 'array', items: { type: 'string', enum: ['release', 'history', 'draft', 'proposal'] }, description: 'release: what clients get; history: what a rollback may bring back' } }),
} as const;

export type ConfigSettings = Shaped<typeof settings>;
/** A configuration as lists have it. */
export type ListedConfig = Shaped<typeof listed>;
/** One configuration with what all clients get of it. */
export type ConfigDetail = Shaped<typeof configSchema>;
export type ConfigDraft = Shaped<typeof draft>;
export type ConfigSettingChange = Shaped<typeof change>;
/** A step of the history of a configuration, without its content. */
export type ConfigStep = Shaped<typeof shownStep>;
export type ConfigRelease = Shaped<typeof releaseSchema>;
export type DiffLine = Shaped<typeof diffLine>;
/** What a client gets of a configuration and of those below it. */
export type ResolvedConfig = Shaped<typeof resolvedConfigSchema>;
/** An instance or a client that reads a configuration. */
export type ShownConfigReader = Shaped<typeof member>;
/** How all that get one release are. */
export type ReleaseCounts = Shaped<typeof counts>;
export type ConfigReaders = Shaped<typeof configReadersSchema>;
/** A configuration with secrets that need an older key than the newest. */
export type OldKeys = Shaped<typeof oldKeysSchema>[number];
