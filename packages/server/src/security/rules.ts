/**
 * `parseRules`: the text of an ACL policy to its rules, with the checks and the words of Consul
 * (`acl/policy.go` of 1.16, the last release under the MPL; namespace blocks as its documentation has them:
 * https://developer.hashicorp.com/consul/docs/security/acl/acl-rules#namespace-rules). `authorizer.ts` decides what
 * rules allow.
 */

import { defaultNamespace, isRegistryError, nearest, RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import { parseHcl, type HclItem, type HclValue } from './hcl.ts';

/** What a rule allows, in rising order; `deny` beats everything. `list` exists for keys only. */
export type Level = 'deny' | 'read' | 'list' | 'write';

/** What a caller wants to do. */
export type Verb = 'read' | 'list' | 'write';

export const scalarResources = ['acl', 'keyring', 'mesh', 'operator', 'peering'] as const;
export const namedResources = ['agent', 'event', 'identity', 'key', 'node', 'query', 'service', 'session'] as const;

/** Resources without names. */
export type ScalarResource = (typeof scalarResources)[number];
/** Resources with names. */
export type NamedResource = (typeof namedResources)[number];

export interface NamedRule {
  readonly resource: NamedResource;
  readonly name: string;
  /** Whether the rule is for every name that starts with `name`. */
  readonly prefix: boolean;
  readonly level: Level;
  /** For services only: what may be done with intentions to them. */
  readonly intentions?: Level;
}

/** A resource without names, or `namespace`: the level that a namespace block gives for the namespace itself. */
export type ScopeScalar = ScalarResource | 'namespace';

/** The rules for one namespace. */
export interface ScopeRules {
  readonly scalar: Readonly<Partial<Record<ScopeScalar, Level>>>;
  readonly named: readonly NamedRule[];
}

/** `namespace "team-a" { … }` or `namespace_prefix "team-" { … }`. */
export interface NamespaceRules {
  readonly name: string;
  /** Whether the rules are for every namespace whose name starts with `name`. */
  readonly prefix: boolean;
  readonly rules: ScopeRules;
}

/** A policy. What stands outside of its namespace blocks is for the namespace that the policy is in. */
export interface Rules extends ScopeRules {
  readonly namespaces: readonly NamespaceRules[];
  /** Keys without a meaning here. Policies that are stored may have them; a new one is refused for them (`assertRules`). */
  readonly ignored: readonly Ignored[];
}

/** Whether a resource belongs to no namespace: rules about it hold in the default namespace only. */
export function isShared(resource: NamedResource | ScopeScalar | 'intention', verb: Verb): boolean {
  switch (resource) {
    case 'agent':
    case 'event':
    case 'keyring':
    case 'mesh':
    case 'operator':
    case 'peering':
      return true;
    case 'node':
      return verb === 'write';
    default:
      return false;
  }
}

export interface Ignored {
  readonly key: string;
  readonly line: number;
  readonly column: number;
  /** What may stand in its place. */
  readonly known: readonly string[];
}

const namespaceKeys = ['namespace', 'namespace_prefix'];
const resources = [...scalarResources, ...namedResources, ...namedResources.map((name) => `${name}_prefix`)];
const ruleFields = ['policy'];
const serviceFields = ['policy', 'intentions'];

/**
 * Reads a policy.
 * @throws RegistryError `invalid_argument` with Consul's words: `Failed to parse ACL rules: …` with line and
 *   column, or `Invalid key policy: …`
 */
export function parseRules(text: string): Rules {
  const ignored: Ignored[] = [];
  const namespaces: NamespaceRules[] = [];
  const own: HclItem[] = [];
  for (const item of readItems(text)) {
    const [key] = item.keys;
    if (namespaceKeys.includes(key)) namespaces.push(...namespaceRules(item, key !== 'namespace', ignored));
    else own.push(item);
  }
  return { ...scopeRules(own, [...resources, ...namespaceKeys], ignored), namespaces, ignored };
}

/**
 * Checks rules when they are written. Consul passes over keys that it does not know; a misspelt one may be a denial.
 * @param namespace that the policy is in
 * @throws RegistryError `invalid_argument` as `parseRules`, for a key without a meaning, and for a rule that cannot
 *   hold where it stands
 */
export function assertRules(text: string, namespace: string): void {
  const rules = parseRules(text);
  const [first] = rules.ignored;
  if (first !== undefined) {
    const { key, line, column, known } = first;
    const meant = nearest(key, known);
    const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${quote(meant)}?`;
    throw invalid(`Failed to parse ACL rules: At ${line}:${column}: unknown key ${quote(key)}; ${hint}`);
  }
  if (namespace !== defaultNamespace) {
    assertPlace(rules, `a policy of the namespace ${quote(namespace)}`);
    if (rules.namespaces.length > 0) {
      throw invalid(`a policy of the namespace ${quote(namespace)} holds there only, and cannot have rules for other namespaces`);
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
    throw invalid(`${place} cannot have a rule for ${quote(shared[0])}, which all namespaces share; give it in a policy of the namespace "default"`);
  }
  const writing = named.find(({ resource, level }) => level === 'write' && isShared(resource, 'write'));
  if (writing === undefined) return;
  throw invalid(`${place} cannot let ${quote(writing.resource)} be written, which all namespaces share; give it in a policy of the namespace "default"`);
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
    if (level === undefined) throw invalid(`Invalid ${item.keys[0]} policy: ${quote(policy)}`);
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

function readItems(text: string): readonly HclItem[] {
  try {
    return parseHcl(text);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw invalid(`Failed to parse ACL rules: ${error.message}`);
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

function misplaced({ line, column }: HclItem, what: string): RegistryError {
  return invalid(`Failed to parse ACL rules: At ${line}:${column}: ${what}`);
}

/** `acl = "read"`; an empty string says nothing. */
function scalarLevel(key: ScalarResource, item: HclItem): Level | undefined {
  if (item.value.kind !== 'string') throw misplaced(item, `${key} takes a string: "read", "write" or "deny"`);
  if (item.value.value === '') return undefined;
  const level = levelOf(item.value.value, false);
  if (level === undefined) throw invalid(`Invalid ${key} policy: ${quote(item.value.value)}`);
  return level;
}

/** `key "a" { … }`, or in JSON `"key": { "a": { … } }`. */
function namedRules(item: HclItem, resource: NamedResource, prefix: boolean, ignored: Ignored[]): NamedRule[] {
  return labelled(item).map(({ name, inner }) => ruleOf(inner, { resource, name, prefix }, ignored));
}

/** The name that a block has, or the names that it has in JSON, where lists of objects stand for all of them. */
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
  const level = levelOf(policy, resource === 'key');
  const key = prefix ? `${resource}_prefix` : resource;
  const intentions = resource === 'service' ? fieldOf(fields, 'intentions') : '';
  if (level === undefined) throw invalid(`Invalid ${key} policy: ${goStruct(resource, name, policy, intentions)}`);
  if (intentions === '') return { resource, name, prefix, level };
  const intentionLevel = levelOf(intentions, false);
  if (intentionLevel === undefined) {
    throw invalid(`Invalid ${key} intentions policy: ${goStruct(resource, name, policy, intentions)}`);
  }
  return { resource, name, prefix, level, intentions: intentionLevel };
}

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

/** Type and first field of Consul's struct for each resource: its messages print the struct. */
const goTypes: Readonly<Record<NamedResource, readonly [type: string, field: string, enterprise: boolean]>> = {
  agent: ['AgentRule', 'Node', false],
  event: ['EventRule', 'Event', false],
  identity: ['IdentityRule', 'Name', true],
  key: ['KeyRule', 'Prefix', true],
  node: ['NodeRule', 'Name', true],
  query: ['PreparedQueryRule', 'Prefix', false],
  service: ['ServiceRule', 'Name', true],
  session: ['SessionRule', 'Node', false],
};

/** What Go's `%#v` prints of the rule. */
function goStruct(resource: NamedResource, name: string, policy: string, intentions: string): string {
  const [type, field, enterprise] = goTypes[resource];
  const fields = [`${field}:${quote(name)}`, `Policy:${quote(policy)}`];
  if (resource === 'service') fields.push(`Intentions:${quote(intentions)}`);
  if (enterprise) fields.push('EnterpriseRule:acl.EnterpriseRule{}');
  return `&acl.${type}{${fields.join(', ')}}`;
}
