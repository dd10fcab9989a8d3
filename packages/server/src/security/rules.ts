/**
 * `parseRules`: the text of an ACL policy to its rules, with the checks and the words of Consul
 * (`acl/policy.go` of 1.16, the last release under the MPL). What rules allow is `authorizer.ts`'s business.
 */

import { isRegistryError, nearest, RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import { parseHcl, type HclItem, type HclValue } from './hcl.ts';

/** What may be done, in rising order; `deny` beats everything. `list` exists for keys only. */
export type Level = 'deny' | 'read' | 'list' | 'write';

export const scalarResources = ['acl', 'keyring', 'mesh', 'operator', 'peering'] as const;
export const namedResources = ['agent', 'event', 'identity', 'key', 'node', 'query', 'service', 'session'] as const;

/** Resources that are there once. */
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

export interface Rules {
  readonly scalar: Readonly<Partial<Record<ScalarResource, Level>>>;
  readonly named: readonly NamedRule[];
  /** Keys that mean nothing here. Policies that are stored may have them; a new one is refused for them (`assertRules`). */
  readonly ignored: readonly Ignored[];
}

export interface Ignored {
  readonly key: string;
  readonly line: number;
  readonly column: number;
  /** What may stand in its place. */
  readonly known: readonly string[];
}

const resources = [...scalarResources, ...namedResources, ...namedResources.map((name) => `${name}_prefix`)];
const ruleFields = ['policy'];
const serviceFields = ['policy', 'intentions'];

/**
 * Reads a policy.
 * @throws RegistryError `invalid_argument` with Consul's words: `Failed to parse ACL rules: …` with line and
 *   column, or `Invalid key policy: …`
 */
export function parseRules(text: string): Rules {
  const scalar: Partial<Record<ScalarResource, Level>> = {};
  const named: NamedRule[] = [];
  const ignored: Ignored[] = [];
  for (const item of readItems(text)) {
    const [key] = item.keys;
    const resource = key.replace(/_prefix$/, '');
    if (isScalar(key)) {
      const level = scalarLevel(key, item);
      if (level !== undefined) scalar[key] = level;
    } else if (isNamed(resource)) named.push(...namedRules(item, resource, key !== resource, ignored));
    else ignored.push(nothing(item, resources));
  }
  return { scalar, named, ignored };
}

/**
 * Checks rules when they are written. Consul passes over keys that it does not know; a misspelt one may be a denial.
 * @throws RegistryError `invalid_argument` as `parseRules`, and for a key that means nothing
 */
export function assertRules(text: string): void {
  const [first] = parseRules(text).ignored;
  if (first === undefined) return;
  const { key, line, column, known } = first;
  const meant = nearest(key, known);
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${quote(meant)}?`;
  throw invalid(`Failed to parse ACL rules: At ${line}:${column}: unknown key ${quote(key)}; ${hint}`);
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

/** `key "a" { … }`, or in JSON `"key": { "a": { … } }`, where lists of objects stand for all of them. */
function namedRules(item: HclItem, resource: NamedResource, prefix: boolean, ignored: Ignored[]): NamedRule[] {
  const [key, ...labels] = item.keys;
  const [name, another] = labels;
  if (another !== undefined) throw misplaced(item, `${key} takes one name`);
  if (name !== undefined) return [ruleOf(item, { resource, name, prefix }, ignored)];
  return objectsOf(item, item.value).flatMap(({ items }) =>
    items.map((inner) => {
      const [innerName, ...innerLabels] = inner.keys;
      if (innerLabels.length > 0) throw misplaced(inner, `${key} takes one name`);
      return ruleOf(inner, { resource, name: innerName, prefix }, ignored);
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
