/** The limits of what a command about configurations may write. */

import { RegistryError } from '@rollcall/protocol';
import { configLimits as limits, type ConfigPublish } from './commands.ts';
import type { ConfigRef, RolloutRule } from './rows.ts';

/** @throws RegistryError `invalid_argument` */
export function checkPublish(command: ConfigPublish): void {
  const { name, content, format = '', description = '', tags = [], parents = [], by = '', message = '', rollout } = command;
  checkRef(command);
  if (content.length > limits.contentBytesMax) {
    throw invalid(`content of configuration ${name} has ${content.length} bytes, the limit is ${limits.contentBytesMax}; split it, or keep a link to it`);
  }
  for (const [what, text] of Object.entries({ format, by })) within(what, text, limits.wordMax);
  within('description', description, limits.descriptionMax);
  within('message', message, limits.messageMax);
  if (tags.length > limits.tagsMax) throw invalid(`configuration ${name} has ${tags.length} tags, the limit is ${limits.tagsMax}`);
  for (const tag of tags) within('tag', tag, limits.wordMax);
  if (parents.length > limits.parentsMax) throw invalid(`configuration ${name} has ${parents.length} parents, the limit is ${limits.parentsMax}`);
  for (const parent of parents) checkWords(parent);
  if (rollout === undefined) return;
  within('name of a rollout', rollout.name, limits.wordMax, 1);
  if (rollout.rule !== undefined) checkRule(rollout.rule);
}

function checkRef(ref: ConfigRef): void {
  within('cluster', ref.cluster, limits.clusterMax, 1);
  checkWords(ref);
  if (/\p{Cc}/u.test(ref.cluster)) throw invalid('the cluster of a configuration must not contain control characters');
}

function checkWords({ app, name }: Pick<ConfigRef, 'app' | 'name'>): void {
  within('app', app, limits.appMax, 1);
  within('name', name, limits.nameMax, 1);
  if (/\p{Cc}/u.test(app + name)) throw invalid('the app and the name of a configuration must not contain control characters');
}

function checkRule(rule: RolloutRule): void {
  const named = namedBy(rule);
  if (rule.kind === 'label') within('label of a rollout', rule.label, limits.wordMax, 1);
  if (named.length === 0 || named.length > limits.namedMax) {
    throw invalid(`a rollout names ${named.length} ${nouns[rule.kind]}, it must name 1 to ${limits.namedMax}`);
  }
  for (const each of named) within(`one of the ${nouns[rule.kind]} of a rollout`, each, limits.nameMax, 1);
}

const nouns = { app: 'apps', address: 'addresses', label: 'values', instance: 'instances' } as const;

function namedBy(rule: RolloutRule): readonly string[] {
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

function within(what: string, text: string, most: number, least = 0): void {
  if (text.length < least || text.length > most) throw invalid(`${what} of a configuration has ${text.length} characters, it must have ${least} to ${most}`);
}

export function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
