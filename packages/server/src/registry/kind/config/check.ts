/** The limits of what commands about configurations may write. */

import { RegistryError } from '@rollcall/protocol';
import { configLimits as limits, type ConfigSettings } from './commands.ts';
import { compileExpression } from './expression.ts';
import { configName } from './find.ts';
import type { ConfigRef, RolloutInput, RolloutRule } from './rows.ts';

interface Person {
  readonly by?: string;
  readonly message?: string;
}

/** @param bytesMax of this configuration; undefined: the general limit @throws RegistryError `invalid_argument` */
export function checkContent(command: ConfigRef & Person & { readonly content: Uint8Array; readonly format?: string }, bytesMax: number | undefined): void {
  const { content, format = '' } = command;
  const most = Math.min(bytesMax === undefined || bytesMax === 0 ? limits.contentBytesMax : bytesMax, limits.contentBytesMax);
  if (content.length > most) {
    throw invalid(`content of configuration ${configName(command)} has ${content.length} bytes, the limit is ${most}; split it, or keep a link to it`);
  }
  within('format', format, limits.wordMax);
  checkPerson(command);
}

/** @throws RegistryError `invalid_argument` */
export function checkPerson({ by = '', message = '' }: Person): void {
  within('author', by, limits.wordMax);
  within('message', message, limits.messageMax);
}

/** @throws RegistryError `invalid_argument` */
export function checkSettings(ref: ConfigRef & Person, settings: ConfigSettings): void {
  const { description = '', tags = [], parents = [], schema = '', checks = [], bytesMax = 0, owners = [] } = settings;
  const name = configName(ref);
  checkPerson(ref);
  within('description', description, limits.descriptionMax);
  atMost(name, 'tags', tags, limits.tagsMax);
  for (const tag of tags) within('tag', tag, limits.wordMax);
  atMost(name, 'parents', parents, limits.parentsMax);
  for (const parent of parents) checkWords(parent);
  if (schema.length > limits.schemaBytesMax) throw invalid(`the schema of configuration ${name} has ${schema.length} characters, the limit is ${limits.schemaBytesMax}`);
  atMost(name, 'checks', checks, limits.checksMax);
  for (const { expect, message = '' } of checks) {
    within('expression of a check', expect, limits.expressionMax, 1);
    within('message of a check', message, limits.messageMax);
  }
  if (!Number.isInteger(bytesMax) || bytesMax < 0 || bytesMax > limits.contentBytesMax) {
    throw invalid(`bytesMax of configuration ${name} is ${bytesMax}, it must be a whole number from 0 to ${limits.contentBytesMax}`);
  }
  atMost(name, 'owners', owners, limits.ownersMax);
  for (const owner of owners) within('owner', owner, limits.wordMax, 1);
}

/** @throws RegistryError `invalid_argument` */
export function checkRollout({ name, rule }: Pick<RolloutInput, 'name' | 'rule'>): void {
  within('name of a rollout', name, limits.wordMax, 1);
  if (rule !== undefined) checkRule(rule);
}

/** @throws RegistryError `invalid_argument` */
export function checkRef(ref: ConfigRef): void {
  within('cluster', ref.cluster, limits.clusterMax, 1);
  checkWords(ref);
  if (/\p{Cc}/u.test(ref.cluster)) throw invalid('the cluster of a configuration must not contain control characters');
}

function checkWords({ app, name }: Pick<ConfigRef, 'app' | 'name'>): void {
  within('app', app, limits.appMax, 1);
  within('name', name, limits.nameMax, 1);
  if (/\p{Cc}/u.test(app + name)) throw invalid('the app and the name of a configuration must not contain control characters');
}

/** @throws RegistryError `invalid_argument` */
export function checkUrl(what: string, url: string): void {
  if (url.length <= limits.errorMax && /^https?:\/\/\S+$/.test(url)) return;
  throw invalid(`${what} must be a URL of http or https with up to ${limits.errorMax} characters`);
}

function checkRule(rule: RolloutRule): void {
  if (rule.kind === 'expression') {
    within('expression of a rollout', rule.expression, limits.expressionMax, 1);
    compileExpression(rule.expression);
    return;
  }
  const named = namedBy(rule);
  if (rule.kind === 'label') within('label of a rollout', rule.label, limits.wordMax, 1);
  if (named.length === 0 || named.length > limits.namedMax) {
    throw invalid(`a rollout names ${named.length} ${nouns[rule.kind]}, it must name 1 to ${limits.namedMax}`);
  }
  for (const each of named) within(`one of the ${nouns[rule.kind]} of a rollout`, each, limits.nameMax, 1);
}

const nouns = { app: 'apps', address: 'addresses', label: 'values', instance: 'instances' } as const;

function namedBy(rule: Exclude<RolloutRule, { readonly kind: 'expression' }>): readonly string[] {
  switch (rule.kind) {
    case 'app':
      return rule.apps;
    case 'address':
      return rule.addresses;
    case 'label':
      return rule.values;
    case 'instance':
      return rule.instances;
  }
}

function atMost(name: string, what: string, list: readonly unknown[], most: number): void {
  if (list.length > most) throw invalid(`configuration ${name} has ${list.length} ${what}, the limit is ${most}`);
}

function within(what: string, text: string, most: number, least = 0): void {
  if (text.length < least || text.length > most) throw invalid(`${what} of a configuration has ${text.length} characters, it must have ${least} to ${most}`);
}

export function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
