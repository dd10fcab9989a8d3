/**
 * Reads the rules from the text of a policy, and checks the rules of a new policy. The language is HCL 1 or JSON, with
 * the resources and levels of Consul (`acl/policy.go` of 1.16, the last release under the MPL) and the namespace blocks
 * of its documentation (https://developer.hashicorp.com/consul/docs/security/acl/acl-rules#namespace-rules).
 */

import { defaultNamespace, nearest, RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import { refused, type AccessError } from './access-error.ts';
import { parseHcl, type HclItem, type HclValue } from './hcl.ts';
import {
  configGrants,
  isShared,
  namedResources,
  scalarResources,
  type ConfigGrant,
  type Ignored,
  type Level,
  type NamedResource,
  type NamedRule,
  type NamespaceRules,
  type Rules,
  type ScalarResource,
  type ScopeRules,
  type ScopeScalar,
} from './rules.ts';

const namespaceKeys = ['namespace', 'namespace_prefix'];
const resources = [...scalarResources, ...namedResources, ...namedResources.map((name) => `${name}_prefix`)];
const ruleFields = ['policy'];
const serviceFields = ['policy', 'intentions'];

/**
 * Reads a policy.
 * @throws AccessError for an unreadable text, and for an unknown level
 */
export function parseRules(text: string): Rules {
  const ignored: Ignored[] = [];
  const namespaces: NamespaceRules[] = [];
  const own: HclItem[] = [];
  for (const item of parseHcl(text)) {
    const [key] = item.keys;
    if (namespaceKeys.includes(key)) namespaces.push(...namespaceRules(item, key !== 'namespace', ignored));
    else own.push(item);
  }
  return { ...scopeRules(own, [...resources, ...namespaceKeys], ignored), namespaces, ignored };
}

/**
 * Checks rules before they are stored. Unlike Consul, it refuses unknown keys, since a misspelt key may be a denial.
 * @param namespace of the policy
 * @throws AccessError as `parseRules`, and for an unknown key; RegistryError `invalid_argument` for a rule that cannot
 *   count in this namespace or block
 */
export function assertRules(text: string, namespace: string): void {
  const rules = parseRules(text);
  const [first] = rules.ignored;
  if (first !== undefined) {
    const { key, line, column, known } = first;
    const meant = nearest(key, known);
    const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${quote(meant)}?`;
    throw refused('unreadable rules', { line, column, problem: `unknown key ${quote(key)}; ${hint}` });
  }
  if (namespace !== defaultNamespace) {
    assertPlace(rules, `a policy of the namespace ${quote(namespace)}`);
    if (rules.namespaces.length > 0) {
      throw misfit(`a policy of the namespace ${quote(namespace)} counts there only, and cannot have rules for other namespaces`);
    }
  }
  for (const { name, prefix, rules: block } of rules.namespaces) {
    if (prefix || name !== defaultNamespace) assertPlace(block, `rules for the namespace${prefix ? 's' : ''} ${quote(name)}`);
  }
}

/** @param place for the message */
function assertPlace({ scalar, named }: ScopeRules, place: string): void {
  const shared = [
    ...(Object.keys(scalar) as ScopeScalar[]).filter((resource) => isShared(resource, 'read')),
    ...named.filter(({ resource }) => isShared(resource, 'read')).map(({ resource }) => resource),
  ];
  if (shared[0] !== undefined) {
    throw misfit(`${place} cannot have a rule for ${quote(shared[0])}, which all namespaces share; write it in a policy of the namespace "default"`);
  }
  const writing = named.find(({ resource, level }) => level === 'write' && isShared(resource, 'write'));
  if (writing === undefined) return;
  throw misfit(`${place} cannot allow writing ${quote(writing.resource)}, which all namespaces share; write that rule in a policy of the namespace "default"`);
}

function misfit(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

/** @param known keys, for messages */
function scopeRules(items: readonly HclItem[], known: readonly string[], ignored: Ignored[]): ScopeRules {
  const scalar: Partial<Record<ScopeScalar, Level>> = {};
  const named: NamedRule[] = [];
  for (const item of items) {
    const [key] = item.keys;
    const resource = key.replace(/_prefix$/, '');
    if (isScalar(key)) {
      const level = scalarLevel(key, item);
      if (level !== undefined) scalar[key] = level;
    } else if (isNamed(resource)) named.push(...namedRules(item, resource, key !== resource, ignored));
    else ignored.push(nothing(item, known));
  }
  return { scalar, named };
}

/** `namespace "a" { … }`, or in JSON `"namespace": { "a": { … } }`. */
function namespaceRules(item: HclItem, prefix: boolean, ignored: Ignored[]): NamespaceRules[] {
  return labelled(item).map(({ name, inner }): NamespaceRules => {
    const items = objectsOf(inner, inner.value).flatMap((object) => object.items);
    const isPolicy = ({ keys }: HclItem) => keys[0].toLowerCase() === 'policy';
    const { scalar, named } = scopeRules(items.filter((one) => !isPolicy(one)), [...resources, 'policy'], ignored);
    const policy = fieldOf(items.filter(isPolicy), 'policy');
    if (policy === '') return { name, prefix, rules: { scalar, named } };
    const level = levelOf(policy, false);
    if (level === undefined) throw refused('bad scalar level', { key: item.keys[0], level: policy });
    return { name, prefix, rules: { scalar: { ...scalar, namespace: level }, named } };
  });
}

function nothing({ keys, line, column }: HclItem, known: readonly string[]): Ignored {
  return { key: keys[0], line, column, known };
}

function isScalar(key: string): key is ScalarResource {
  return (scalarResources as readonly string[]).includes(key);
}

function isNamed(key: string): key is NamedResource {
  return (namedResources as readonly string[]).includes(key);
}

function misplaced({ line, column }: HclItem, problem: string): AccessError {
  return refused('unreadable rules', { line, column, problem });
}

/** `acl = "read"`; an empty string sets no rule. */
function scalarLevel(key: ScalarResource, item: HclItem): Level | undefined {
  if (item.value.kind !== 'string') throw misplaced(item, `${key} takes a string: "read", "write" or "deny"`);
  if (item.value.value === '') return undefined;
  const level = levelOf(item.value.value, false);
  if (level === undefined) throw refused('bad scalar level', { key, level: item.value.value });
  return level;
}

/** `key "a" { … }`, or in JSON `"key": { "a": { … } }`. */
function namedRules(item: HclItem, resource: NamedResource, prefix: boolean, ignored: Ignored[]): NamedRule[] {
  return labelled(item).map(({ name, inner }) => ruleOf(inner, { resource, name, prefix }, ignored));
}

/** The names of a block. HCL has one; in JSON, a list of objects may have several. */
function labelled(item: HclItem): { readonly name: string; readonly inner: HclItem }[] {
  const [key, name, another] = item.keys;
  if (another !== undefined) throw misplaced(item, `${key} takes one name`);
  if (name !== undefined) return [{ name, inner: item }];
  return objectsOf(item, item.value).flatMap(({ items }) =>
    items.map((inner) => {
      if (inner.keys.length > 1) throw misplaced(inner, `${key} takes one name`);
      return { name: inner.keys[0], inner };
    }),
  );
}

type HclObject = Extract<HclValue, { kind: 'object' }>;

function objectsOf(item: HclItem, value: HclValue): readonly HclObject[] {
  if (value.kind === 'object') return [value];
  if (value.kind === 'list') return value.values.flatMap((one) => objectsOf(item, one));
  throw misplaced(item, `${item.keys[0]} takes a name and an object with its policy`);
}

function ruleOf(item: HclItem, named: Pick<NamedRule, 'resource' | 'name' | 'prefix'>, ignored: Ignored[]): NamedRule {
  const { resource, name, prefix } = named;
  const fields = objectsOf(item, item.value).flatMap(({ items }) => items);
  const known = resource === 'service' ? serviceFields : ruleFields;
  ignored.push(...fields.filter(({ keys }) => !known.includes(keys[0].toLowerCase())).map((field) => nothing(field, known)));
  const policy = fieldOf(fields, 'policy');
  const { level, grants } = resource === 'config' ? configLevel(policy) : { level: levelOf(policy, resource === 'key'), grants: undefined };
  const key = prefix ? `${resource}_prefix` : resource;
  const intentions = resource === 'service' ? fieldOf(fields, 'intentions') : '';
  const given = { key, resource, name, policy, intentions };
  if (level === undefined) throw refused('bad level', given);
  if (grants !== undefined && grants.length > 0) return { resource, name, prefix, level, grants };
  if (intentions === '') return { resource, name, prefix, level };
  const intentionLevel = levelOf(intentions, false);
  if (intentionLevel === undefined) throw refused('bad intentions', given);
  return { resource, name, prefix, level, intentions: intentionLevel };
}

/**
 * `policy = "edit, approve"`: what a rule about configurations allows, separated by commas. Everything beyond `deny` includes reading;
 * `write` is all of it.
 */
function configLevel(policy: string): { readonly level: Level | undefined; readonly grants: readonly ConfigGrant[] } {
  const words = policy.toLowerCase().split(',').map((word) => word.trim());
  if (words.includes('deny')) return { level: words.length === 1 ? 'deny' : undefined, grants: [] };
  if (words.some((word) => !configWords.includes(word))) return { level: undefined, grants: [] };
  const all = words.includes('write');
  return { level: all || words.includes('edit') ? 'write' : 'read', grants: configGrants.filter((grant) => all || words.includes(grant)) };
}

const configWords: readonly string[] = ['read', 'edit', 'write', ...configGrants];

function fieldOf(fields: readonly HclItem[], name: string): string {
  let found = '';
  for (const field of fields) {
    // HCL 1 matches the names of attributes in any case.
    if (field.keys[0].toLowerCase() !== name) continue;
    if (field.keys.length > 1 || field.value.kind !== 'string') throw misplaced(field, `${name} takes a string`);
    found = field.value.value;
  }
  return found;
}

function levelOf(text: string, allowList: boolean): Level | undefined {
  const level = text.toLowerCase();
  if (level === 'list') return allowList ? level : undefined;
  return level === 'deny' || level === 'read' || level === 'write' ? level : undefined;
}
