/** Rules for namespaces: how they are read and refused, and that they count in their namespaces only. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, unrestricted, type DefaultPolicy, type PlacedRules, type Resource, type Verb } from './authorizer.ts';
import { assertRules, parseRules } from './rule-text.ts';
import type { Level, NamedRule, NamespaceRules, Rules } from './rules.ts';
import { builtinPolicies, nodeIdentityRules, serviceIdentityRules, templateRules } from './templates.ts';

const placed = (text: string, namespace = 'default'): PlacedRules => ({ namespace, rules: parseRules(text) });
const compiled = (...policies: PlacedRules[]) => compileRules(policies, 'deny');

describe('a namespace block', () => {
  it('is read the same in HCL and in JSON', () => {
    const hcl = `
      namespace_prefix "" { policy = "write" service_prefix "" { policy = "read" } }
      namespace "team-a" { acl = "write" key "a" { policy = "list" } service "web" { policy = "write" intentions = "read" } }`;
    const json = JSON.stringify({
      namespace_prefix: { '': { policy: 'write', service_prefix: { '': { policy: 'read' } } } },
      namespace: [{ 'team-a': { acl: 'write', key: { a: { policy: 'list' } }, service: { web: { policy: 'write', intentions: 'read' } } } }],
    });
    const namespaces = [
      { name: '', prefix: true, rules: { scalar: { namespace: 'write' }, named: [{ resource: 'service', name: '', prefix: true, level: 'read' }] } },
      {
        name: 'team-a',
        prefix: false,
        rules: {
          scalar: { acl: 'write' },
          named: [
            { resource: 'key', name: 'a', prefix: false, level: 'list' },
            { resource: 'service', name: 'web', prefix: false, level: 'write', intentions: 'read' },
          ],
        },
      },
    ];
    expect(parseRules(hcl)).toEqual({ scalar: {}, named: [], namespaces, ignored: [] });
    expect(parseRules(json)).toEqual({ scalar: {}, named: [], namespaces, ignored: [] });
  });

  it.each([
    ['namespace "x" { policy = "list" }', 'the level of namespace is "list"'],
    ['namespace_prefix "x" { policy = "nope" }', 'the level of namespace_prefix is "nope"'],
    ['namespace "x" { key "a" { policy = "nope" } }', 'the level of key "a" is "nope"'],
    ['namespace "x" "y" {}', 'line 1, column 1: namespace takes one name'],
    ['namespace = "read"', 'line 1, column 1: namespace takes a name and an object'],
    ['namespace "x" { policy = 1 }', 'line 1, column 17: policy takes a string'],
  ])('that is invalid is refused: %s', (text, message) => {
    expect(() => parseRules(text)).toThrow(message);
  });

  it.each(['operator = "read"', 'keyring = "read"', 'mesh = "read"', 'peering = "deny"', 'event_prefix "" { policy = "read" }', 'agent "n" { policy = "read" }'])(
    'cannot have rules for a resource that all namespaces share, except in the default namespace: %s',
    (rule) => {
      const message = /cannot have a rule for "\w+", which all namespaces share/;
      expect(() => assertRules(`namespace "x" { ${rule} }`, 'default')).toThrow(message);
      expect(() => assertRules(`namespace_prefix "" { ${rule} }`, 'default')).toThrow(message);
      expect(() => assertRules(rule, 'x')).toThrow(message);
      expect(() => assertRules(`namespace "default" { ${rule} }`, 'default')).not.toThrow();
    },
  );

  it('may allow reading nodes, but not writing them', () => {
    expect(() => assertRules('namespace "x" { node_prefix "" { policy = "read" } }', 'default')).not.toThrow();
    const message = 'rules for the namespace "x" cannot allow writing "node", which all namespaces share; write that rule in a policy of the namespace "default"';
    expect(() => assertRules('namespace "x" { node_prefix "" { policy = "write" } }', 'default')).toThrow(message);
    expect(() => assertRules('node "n" { policy = "write" }', 'x')).toThrow('a policy of the namespace "x" cannot allow writing "node"');
  });

  it('is refused in a policy of another namespace than the default one', () => {
    expect(() => assertRules('namespace "y" { policy = "read" }', 'x')).toThrow('a policy of the namespace "x" counts there only');
    expect(() => assertRules('key_prefix "" { policy = "write" } query_prefix "" { policy = "write" }', 'x')).not.toThrow();
  });
});

describe('rules count in their namespace only', () => {
  const inDefault = placed(`
    service_prefix "" { policy = "read" }
    namespace "team-a" { service "web" { policy = "write" } key_prefix "" { policy = "write" } node_prefix "" { policy = "read" } }
    namespace_prefix "team-" { service_prefix "" { policy = "read" } key_prefix "secret/" { policy = "deny" } }`);
  const authorizer = compiled(inDefault, placed('service_prefix "" { policy = "write" }', 'team-c'));

  it.each<[namespace: string, Resource, Verb, name: string, boolean]>([
    ['default', 'service', 'read', 'web', true],
    ['default', 'service', 'write', 'web', false],
    ['default', 'key', 'read', 'a', false],
    ['team-a', 'service', 'write', 'web', true],
    ['team-a', 'key', 'write', 'a', true],
    // The more specific block has no rule for it, so the other block decides.
    ['team-a', 'service', 'read', 'db', true],
    // The more specific block has a rule, so the other block is not used.
    ['team-a', 'key', 'read', 'secret/x', true],
    ['team-b', 'service', 'read', 'web', true],
    ['team-b', 'service', 'write', 'web', false],
    ['team-b', 'key', 'read', 'secret/x', false],
    ['team', 'service', 'read', 'web', false],
    ['other', 'service', 'read', 'web', false],
    // A policy of another namespace.
    ['team-c', 'service', 'write', 'web', true],
    ['team-d', 'service', 'write', 'web', false],
    ['team-a', 'node', 'read', 'n', true],
    ['default', 'node', 'read', 'n', false],
  ])('%s: %s:%s on %j: %s', (namespace, resource, verb, name, allowed) => {
    expect(authorizer.allows(namespace, resource, verb, name)).toBe(allowed);
  });

  it('also for questions about all names', () => {
    expect(authorizer.allowsAll('default', 'service', 'read')).toBe(true);
    expect(authorizer.allowsAll('team-b', 'service', 'read')).toBe(true);
    expect(authorizer.allowsAll('other', 'service', 'read')).toBe(false);
    expect(authorizer.allowsKeyTree('team-a', 'secret/', 'write')).toBe(true);
    expect(authorizer.allowsKeyTree('team-b', 'secret/', 'read')).toBe(false);
    expect(authorizer.allowsKeyTree('default', '', 'read')).toBe(false);
  });

  it.each<[Resource, Verb]>([['operator', 'write'], ['agent', 'write'], ['event', 'write'], ['keyring', 'write'], ['mesh', 'write'], ['peering', 'write'], ['node', 'write']])(
    '%s: rules of the default namespace decide, in requests of every namespace',
    (resource, verb) => {
      const text = ['operator', 'keyring', 'mesh', 'peering'].includes(resource) ? `${resource} = "write"` : `${resource}_prefix "" { policy = "write" }`;
      expect(compiled(placed(text)).allows('team-a', resource, verb, 'n')).toBe(true);
      // Such a rule in a policy of another namespace grants nothing.
      for (const namespace of ['default', 'team-a']) expect(compiled(placed(text, 'team-a')).allows(namespace, resource, verb, 'n')).toBe(false);
      expect(compiled(placed(`namespace "team-a" { ${text} }`)).allows('team-a', resource, verb, 'n')).toBe(false);
    },
  );

  it('blocks in a policy of another namespace grant nothing', () => {
    const policy = placed('namespace "team-b" { key_prefix "" { policy = "write" } } namespace_prefix "" { acl = "write" }', 'team-a');
    for (const namespace of ['default', 'team-a', 'team-b']) {
      expect(compiled(policy).allows(namespace, 'key', 'read', 'a')).toBe(false);
      expect(compiled(policy).allows(namespace, 'acl', 'read')).toBe(false);
    }
  });
});

describe('the definition of a namespace', () => {
  it.each<[policy: string, read: boolean, write: boolean]>([
    ['operator = "write"', true, true],
    ['operator = "read"', true, false],
    ['namespace "team-a" { policy = "write" }', true, true],
    ['namespace_prefix "team-" { policy = "write" }', true, true],
    ['namespace_prefix "" { policy = "write" } namespace "team-a" { policy = "read" }', true, false],
    ['operator = "write" namespace "team-a" { policy = "deny" }', false, false],
    // A caller that may do something in it may read its definition.
    ['namespace "team-a" { key "a" { policy = "read" } }', true, false],
    ['namespace "team-a" { acl = "read" }', true, false],
    ['namespace "team-a" { key "a" { policy = "deny" } }', false, false],
    ['namespace "team-b" { key "a" { policy = "write" } }', false, false],
    ['key_prefix "" { policy = "write" } acl = "write"', false, false],
  ])('%s: read %s, write %s', (policy, read, write) => {
    const authorizer = compiled(placed(policy));
    expect([authorizer.allowsNamespace('team-a', 'read'), authorizer.allowsNamespace('team-a', 'write')]).toEqual([read, write]);
  });

  it('follows the default policy as the operator does', () => {
    expect(compileRules([], 'allow').allowsNamespace('team-a', 'write')).toBe(true);
    expect(unrestricted.allowsNamespace('team-a', 'write')).toBe(true);
  });
});

describe('policies that a namespace adds to its tokens', () => {
  const added = [placed('namespace "team-a" { service_prefix "" { policy = "write" } key_prefix "" { policy = "read" } } service_prefix "" { policy = "read" }')];

  it('decide only where the rules of the token are silent', () => {
    const authorizer = compileRules([placed('service_prefix "" { policy = "read" }', 'team-a')], 'deny', added);
    expect(authorizer.allows('team-a', 'service', 'write', 'web')).toBe(false);
    expect(authorizer.allows('team-a', 'key', 'read', 'a')).toBe(true);
    expect(authorizer.allows('default', 'service', 'read', 'web')).toBe(true);
    expect(authorizer.allows('team-b', 'service', 'read', 'web')).toBe(false);
  });

  it('decide before the default policy', () => {
    const authorizer = compileRules([], 'allow', [placed('namespace_prefix "" { key_prefix "" { policy = "deny" } }')]);
    expect(authorizer.allows('team-a', 'key', 'read', 'a')).toBe(false);
    expect(authorizer.allows('team-a', 'service', 'read', 'a')).toBe(true);
  });
});

describe('ready-made rules', () => {
  it('of the built-in policies count in every namespace', () => {
    const [management, readOnly] = builtinPolicies.map(({ rules }) => compiled(placed(rules)));
    for (const namespace of ['default', 'team-a']) {
      for (const resource of ['acl', 'keyring', 'operator', 'mesh', 'peering', 'agent', 'event', 'key', 'node', 'query', 'service', 'session', 'intention'] as const) {
        expect(management?.allows(namespace, resource, 'write', 'any'), resource).toBe(true);
        expect(readOnly?.allows(namespace, resource, 'read', 'any'), resource).toBe(true);
        expect(readOnly?.allows(namespace, resource, 'write', 'any'), resource).toBe(false);
      }
      expect(management?.allowsNamespace(namespace, 'write')).toBe(true);
      expect([readOnly?.allowsNamespace(namespace, 'read'), readOnly?.allowsNamespace(namespace, 'write')]).toEqual([true, false]);
    }
    for (const { rules } of builtinPolicies) expect(() => assertRules(rules, 'default')).not.toThrow();
  });

  it('of a service identity count in its own namespace, those of a node identity and of DNS in all', () => {
    const service = compiled({ namespace: 'team-a', rules: serviceIdentityRules('web') });
    expect(service.allows('team-a', 'service', 'write', 'web')).toBe(true);
    expect(service.allows('default', 'service', 'read', 'web')).toBe(false);
    const node = compiled({ namespace: 'default', rules: nodeIdentityRules('n') });
    expect(node.allows('team-a', 'node', 'write', 'n')).toBe(true);
    expect(node.allows('team-a', 'service', 'read', 'web')).toBe(true);
    const dns = compiled({ namespace: 'default', rules: templateRules('builtin/dns', '') });
    for (const resource of ['service', 'node', 'query'] as const) expect(dns.allows('team-a', resource, 'read', 'x')).toBe(true);
  });
});

/** A level by reading the rules one by one; undefined if none is for the name. */
function plainLevel(rules: readonly NamedRule[], name: string): Level | undefined {
  const exact = rules.filter((rule) => !rule.prefix && rule.name === name);
  const prefixes = rules.filter((rule) => rule.prefix && name.startsWith(rule.name));
  const longest = Math.max(...prefixes.map((rule) => rule.name.length));
  const levels = (exact.length > 0 ? exact : prefixes.filter((rule) => rule.name.length === longest)).map(({ level }) => level);
  return (['deny', 'write', 'list', 'read'] as const).find((level) => levels.includes(level));
}

/** Whether the rules allow something, block by block. */
function plainly(layers: readonly (readonly Rules[])[], defaultPolicy: DefaultPolicy, namespace: string, verb: Verb, name: string): boolean {
  for (const policies of layers) {
    const own: NamespaceRules[] = policies.map(({ scalar, named }) => ({ name: 'default', prefix: false, rules: { scalar, named } }));
    const blocks = [...own, ...policies.flatMap(({ namespaces }) => namespaces)];
    const exact = blocks.filter((block) => !block.prefix && block.name === namespace);
    const wider = blocks.filter((block) => block.prefix && namespace.startsWith(block.name));
    const lengths = [...new Set(wider.map((block) => block.name.length))].sort((a, b) => b - a);
    for (const group of [exact, ...lengths.map((length) => wider.filter((block) => block.name.length === length))]) {
      const level = plainLevel(group.flatMap(({ rules }) => rules.named), name);
      if (level !== undefined) return level === 'write' || (level === 'list' && verb !== 'write') || (level === 'read' && verb === 'read');
    }
  }
  return defaultPolicy === 'allow';
}

describe('any rules', () => {
  it('allow the same as a naive reading of them, also for trees of keys', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
    const namespace = fc.oneof(fc.constant('default'), fc.string({ unit: fc.constantFrom('d', 'x'), maxLength: 2 }));
    const rule: fc.Arbitrary<NamedRule> = fc.record({
      resource: fc.constant('key' as const),
      name,
      prefix: fc.boolean(),
      level: fc.constantFrom<Level>('deny', 'read', 'list', 'write'),
    });
    const named = fc.array(rule, { maxLength: 4 });
    const block = fc.record({ name: namespace, prefix: fc.boolean(), rules: named.map((rules) => ({ scalar: {}, named: rules })) });
    const policy = fc.record({ scalar: fc.constant({}), named, namespaces: fc.array(block, { maxLength: 4 }), ignored: fc.constant([]) });
    const policies = fc.array(policy, { maxLength: 3 });
    fc.assert(
      fc.property(policies, policies, fc.constantFrom<DefaultPolicy>('allow', 'deny'), namespace, fc.array(name, { minLength: 1 }), (direct, added, defaultPolicy, where, names) => {
        const place = (rules: Rules): PlacedRules => ({ namespace: 'default', rules });
        const authorizer = compileRules(direct.map(place), defaultPolicy, added.map(place));
        const allowed = (verb: Verb, wanted: string) => plainly([direct, added], defaultPolicy, where, verb, wanted);
        for (const wanted of names) {
          for (const verb of ['read', 'list', 'write'] as const) expect(authorizer.allows(where, 'key', verb, wanted)).toBe(allowed(verb, wanted));
          // Rules have names of up to three characters, so names of up to four cover every case.
          const under = [...everyName(4)].filter((one) => one.startsWith(wanted));
          expect(authorizer.allowsKeyTree(where, wanted, 'write')).toBe([wanted, ...under].every((one) => allowed('write', one)));
        }
      }),
      { numRuns: 500 },
    );
  });
});

function* everyName(length: number): Generator<string> {
  yield '';
  if (length === 0) return;
  for (const first of ['a', 'b', 'c']) for (const rest of everyName(length - 1)) yield first + rest;
}
