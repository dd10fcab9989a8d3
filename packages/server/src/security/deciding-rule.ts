/**
 * Names the rule that decides a question, and where the rule comes from. `authorizer.ts` decides; this file reads the rules one by one, which is slower,
 * and serves explanations only. A test compares its decisions with those of the authorizer. Pure.
 */

import { defaultNamespace, type DecidingRule } from '@rollcall/protocol';
import type { DefaultPolicy, PlacedRules, Resource, Verb } from './authorizer.ts';
import { isShared, namedResources, type Level, type NamedRule, type ScopeRules, type ScopeScalar } from './rules.ts';
import { printRule } from './templates.ts';

/** Rules, and what gives them to the caller: `policy readers`, `service identity web`. */
export interface SourcedRules extends PlacedRules {
  readonly source: string;
}

/** The rules of a caller. */
export interface CallerRules {
  /** Those of the token and its roles. */
  readonly direct: readonly SourcedRules[];
  /** Those that a namespace adds to its tokens. */
  readonly added: readonly SourcedRules[];
}

export interface Question {
  readonly namespace: string;
  readonly resource: Resource;
  readonly verb: Verb;
  /** Empty for resources without names. */
  readonly name: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly rule: DecidingRule;
}

/** As in `scope.ts`. */
const rank: Readonly<Record<Level, number>> = { deny: 1, read: 2, list: 3, write: 4 };

/** A rule that is about the question. */
interface Found extends DecidingRule {
  readonly level: Level;
}

/** The rules of one namespace, or of one prefix of namespace names, that count together. */
interface Block {
  /** Around the rules in their policy: `namespace "team-a"`; empty for rules outside of such blocks. */
  readonly around: string;
  readonly source: string;
  readonly rules: ScopeRules;
}

export function decidingRule({ direct, added }: CallerRules, defaultPolicy: DefaultPolicy, question: Question): Decision {
  const { resource, verb, name } = question;
  const namespace = isShared(resource, verb) ? defaultNamespace : question.namespace;
  const scopes = [...scopesOf(direct, namespace), ...scopesOf(added, namespace)];
  const first = (find: (blocks: readonly Block[]) => Found | undefined): Found | undefined => {
    for (const blocks of scopes) {
      const found = find(blocks);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const scalar = (wanted: ScopeScalar) => first((blocks) => scalarIn(blocks, wanted));
  switch (resource) {
    case 'acl':
      // A default policy of allow does not allow access control itself.
      return decided(scalar('acl'), verb, 'deny');
    case 'mesh':
    case 'peering':
      return decided(scalar(resource) ?? scalar('operator'), verb, defaultPolicy);
    case 'keyring':
    case 'operator':
      return decided(scalar(resource), verb, defaultPolicy);
    default:
      return decided(first((blocks) => namedIn(blocks, resource, name)), verb, defaultPolicy);
  }
}

function decided(found: Found | undefined, verb: Verb, defaultPolicy: DefaultPolicy): Decision {
  if (found === undefined) return { allowed: defaultPolicy === 'allow', rule: { source: 'default policy', text: defaultPolicy } };
  const { source, text, level } = found;
  return { allowed: rank[level] >= rank[verb], rule: { source, text } };
}

/** The blocks that count in a namespace: those for its name, then those for its prefixes, the longest first. */
function scopesOf(all: readonly SourcedRules[], namespace: string): Block[][] {
  const own: Block[] = [];
  const byPrefix = new Map<string, Block[]>();
  for (const { namespace: of, rules, source } of all) {
    if (of === namespace) own.push({ around: '', source, rules });
    if (of !== defaultNamespace) continue;
    for (const { name, prefix, rules: inner } of rules.namespaces) {
      if (!prefix) {
        if (name === namespace) own.push({ around: `namespace ${JSON.stringify(name)}`, source, rules: inner });
      } else if (namespace.startsWith(name)) {
        const block = { around: `namespace_prefix ${JSON.stringify(name)}`, source, rules: inner };
        byPrefix.set(name, [...(byPrefix.get(name) ?? []), block]);
      }
    }
  }
  return [own, ...[...byPrefix].sort(([a], [b]) => b.length - a.length).map(([, blocks]) => blocks)];
}

function scalarIn(blocks: readonly Block[], resource: ScopeScalar): Found | undefined {
  return strongest(blocks.flatMap((block) => {
    const level = block.rules.scalar[resource];
    return level === undefined ? [] : [foundIn(block, `${resource} = "${level}"`, level)];
  }));
}

/** The rules for the name itself decide, else those of the longest prefix. */
function namedIn(blocks: readonly Block[], resource: Exclude<Resource, ScopeScalar>, name: string): Found | undefined {
  const kind = ruleKind(resource);
  const fitting: { readonly block: Block; readonly rule: NamedRule }[] = [];
  let length = -1;
  for (const block of blocks) {
    for (const rule of block.rules.named) {
      if (rule.resource !== kind) continue;
      const fits = rule.prefix ? name.startsWith(rule.name) : rule.name === name;
      // An exact rule counts as longer than every prefix.
      const of = rule.prefix ? rule.name.length : Infinity;
      if (!fits || of < length) continue;
      if (of > length) fitting.length = 0;
      length = of;
      fitting.push({ block, rule });
    }
  }
  const said = resource === 'intention' ? fitting.filter(({ rule }) => rule.intentions !== undefined) : [];
  return strongest((said.length > 0 ? said : fitting).map(({ block, rule }) => foundIn(block, printRule(rule), levelFor(rule, resource))));
}

function ruleKind(resource: Exclude<Resource, ScopeScalar>): NamedRule['resource'] {
  if (resource === 'intention') return 'service';
  return namedResources.find((each) => each === resource) ?? 'config';
}

/** What a rule says of a resource that follows from another one. */
function levelFor({ level, intentions, grants = [] }: NamedRule, resource: Exclude<Resource, ScopeScalar>): Level {
  switch (resource) {
    case 'intention':
      // A caller that may read a service may read its intentions.
      return intentions ?? (level === 'deny' ? 'deny' : 'read');
    case 'config-approve':
    case 'config-publish':
    case 'config-reveal':
      return level === 'deny' ? 'deny' : grants.some((grant) => resource === `config-${grant}`) ? 'write' : 'read';
    default:
      return level;
  }
}

function foundIn({ around, source }: Block, text: string, level: Level): Found {
  const line = text.replaceAll(/\s+/g, ' ');
  return { source, text: around === '' ? line : `${around} { ${line} }`, level };
}

/** Deny beats all others. */
function strongest(all: readonly Found[]): Found | undefined {
  return all.find(({ level }) => level === 'deny') ?? all.toSorted((a, b) => rank[b.level] - rank[a.level])[0];
}
