/** The explanation of a decision names the rule that decides, and always says the same as the authorizer. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, type DefaultPolicy, type Resource, type Verb } from './authorizer.ts';
import { decidingRule, type SourcedRules } from './deciding-rule.ts';
import { parseRules } from './rule-text.ts';
import type { Level, NamedRule, NamespaceRules, Rules, ScopeRules } from './rules.ts';

const sourced = (source: string, text: string, namespace = 'default'): SourcedRules => ({ namespace, source, rules: parseRules(text) });

const readers = sourced(
  'policy readers',
  `service_prefix "" { policy = "read" }
   service "secret" { policy = "deny" }
   key_prefix "app/" { policy = "write" }
   config_prefix "shop/" { policy = "edit, publish" }
   operator = "read"
   namespace "team-a" { service "web" { policy = "write" } }
   namespace_prefix "" { service_prefix "" { policy = "read" } }`,
);
const denying = sourced('policy denying of role guests', 'service_prefix "" { policy = "deny" } acl = "read"');

describe('a decision', () => {
  it.each<[readonly SourcedRules[], [string, Resource, Verb, string], boolean, string, string]>([
    [[readers], ['default', 'service', 'write', 'web'], false, 'policy readers', 'service_prefix "" { policy = "read" }'],
    [[readers], ['default', 'service', 'read', 'secret'], false, 'policy readers', 'service "secret" { policy = "deny" }'],
    [[readers, denying], ['default', 'service', 'read', 'web'], false, 'policy denying of role guests', 'service_prefix "" { policy = "deny" }'],
    [[readers], ['default', 'key', 'write', 'app/x'], true, 'policy readers', 'key_prefix "app/" { policy = "write" }'],
    [[readers], ['default', 'node', 'read', 'n'], false, 'default policy', 'deny'],
    // Follows operator.
    [[readers], ['default', 'mesh', 'write', ''], false, 'policy readers', 'operator = "read"'],
    [[readers], ['default', 'config-approve', 'write', 'shop/app'], false, 'policy readers', 'config_prefix "shop/" { policy = "edit, publish" }'],
    [[readers], ['team-a', 'service', 'write', 'web'], true, 'policy readers', 'namespace "team-a" { service "web" { policy = "write" } }'],
    [[readers], ['team-a', 'service', 'write', 'db'], false, 'policy readers', 'namespace_prefix "" { service_prefix "" { policy = "read" } }'],
    [[denying], ['default', 'acl', 'write', ''], false, 'policy denying of role guests', 'acl = "read"'],
  ])('%#: %j', (direct, [namespace, resource, verb, name], allowed, source, text) => {
    expect(decidingRule({ direct, added: [] }, 'deny', { namespace, resource, verb, name })).toEqual({ allowed, rule: { source, text } });
  });

  it('is that of the rules that a namespace adds, only where those of the token are silent', () => {
    const rules = { direct: [sourced('policy own', 'service "a" { policy = "read" }', 'team-a')], added: [sourced('policy shared of namespace team-a', 'namespace "team-a" { service_prefix "" { policy = "write" } }')] };
    const asked = (name: string) => decidingRule(rules, 'deny', { namespace: 'team-a', resource: 'service', verb: 'write', name });
    expect([asked('a').allowed, asked('a').rule.source, asked('b').allowed, asked('b').rule.source]).toEqual([false, 'policy own', true, 'policy shared of namespace team-a']);
  });

  it('without a rule is never allowed for access control', () => {
    expect(decidingRule({ direct: [], added: [] }, 'allow', { namespace: 'default', resource: 'acl', verb: 'read', name: '' })).toEqual({ allowed: false, rule: { source: 'default policy', text: 'deny' } });
  });
});

it('is that of the authorizer, for any rules', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 3 });
  const level = fc.constantFrom<Level>('deny', 'read', 'write');
  const service: fc.Arbitrary<NamedRule> = fc.record({ resource: fc.constant('service' as const), name, prefix: fc.boolean(), level, intentions: level }, { requiredKeys: ['resource', 'name', 'prefix', 'level'] });
  const configuration: fc.Arbitrary<NamedRule> = fc.record({ resource: fc.constant('config' as const), name, prefix: fc.boolean(), level, grants: fc.subarray(['approve', 'publish', 'reveal'] as const) });
  const node: fc.Arbitrary<NamedRule> = fc.record({ resource: fc.constant('node' as const), name, prefix: fc.boolean(), level });
  const scalar = fc.dictionary(fc.constantFrom('acl', 'mesh', 'operator', 'keyring', 'peering'), level);
  const scope: fc.Arbitrary<ScopeRules> = fc.record({ scalar, named: fc.array(fc.oneof(service, configuration, node), { maxLength: 6 }) });
  const namespaceName = fc.constantFrom('a', 'ab', 'b');
  const block: fc.Arbitrary<NamespaceRules> = fc.record({ name: fc.oneof(namespaceName, fc.constant('')), prefix: fc.boolean(), rules: scope });
  const rules: fc.Arbitrary<Rules> = fc.tuple(scope, fc.array(block, { maxLength: 3 })).map(([own, namespaces]) => ({ ...own, namespaces, ignored: [] }));
  const policy: fc.Arbitrary<SourcedRules> = fc.record({ namespace: fc.constantFrom('default', 'a', 'ab'), rules, source: fc.constant('policy') });
  const question = fc.record({
    namespace: fc.oneof(namespaceName, fc.constant('default')),
    resource: fc.constantFrom<Resource>('service', 'config', 'config-approve', 'config-publish', 'node', 'intention', 'acl', 'mesh', 'operator', 'keyring', 'peering'),
    verb: fc.constantFrom<Verb>('read', 'write'),
    name,
  });
  fc.assert(
    fc.property(fc.array(policy, { maxLength: 4 }), fc.array(policy, { maxLength: 2 }), fc.constantFrom<DefaultPolicy>('allow', 'deny'), fc.array(question, { minLength: 1 }), (direct, added, defaultPolicy, questions) => {
      const authorizer = compileRules(direct, defaultPolicy, added);
      for (const each of questions) {
        expect(decidingRule({ direct, added }, defaultPolicy, each).allowed, JSON.stringify(each)).toBe(authorizer.allows(each.namespace, each.resource, each.verb, each.name));
      }
    }),
    { numRuns: 1_000 },
  );
});
