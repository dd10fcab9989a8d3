/** Rules in one namespace allow the same as in Consul: checked by a table, and against a naive reading of the rules. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, unrestricted, type DefaultPolicy, type PlacedRules, type Resource, type Verb, type Authorizer } from './authorizer.ts';
import { parseRules } from './rule-text.ts';
import type { Level, NamedRule, Rules } from './rules.ts';
import { builtinPolicies, nodeIdentityRules, serviceIdentityRules } from './templates.ts';

const inDefault = (rules: Rules): PlacedRules => ({ namespace: 'default', rules });

const compiled = (policies: readonly string[], defaultPolicy: DefaultPolicy = 'deny') =>
  compileRules(policies.map((text) => inDefault(parseRules(text))), defaultPolicy);

describe('one policy', () => {
  const authorizer = compiled([
    `key "app/secret" { policy = "deny" }
     key_prefix "app/" { policy = "write" }
     key_prefix "app/log/" { policy = "list" }
     key_prefix "shared/" { policy = "read" }
     service_prefix "" { policy = "read" }
     service "web" { policy = "write" }
     service_prefix "hidden-" { policy = "deny" }
     operator = "read"`,
  ]);

  it.each<[Resource, Verb, string, boolean]>([
    ['key', 'write', 'app/x', true],
    ['key', 'read', 'app/secret', false],
    // An exact rule does not count for longer names; a prefix rule does.
    ['key', 'write', 'app/secret/more', true],
    ['key', 'write', 'app/log/1', false],
    ['key', 'list', 'app/log/1', true],
    ['key', 'read', 'app/log/1', true],
    ['key', 'read', 'shared/a', true],
    ['key', 'list', 'shared/a', false],
    ['key', 'read', 'ap', false],
    ['key', 'read', 'other', false],
    ['service', 'write', 'web', true],
    ['service', 'write', 'web2', false],
    ['service', 'read', 'web2', true],
    ['service', 'read', 'hidden-x', false],
    ['node', 'read', 'n', false],
    ['operator', 'read', '', true],
    ['operator', 'write', '', false],
    // Without their own rules, these follow `operator`.
    ['mesh', 'read', '', true],
    ['peering', 'write', '', false],
    ['keyring', 'read', '', false],
    ['acl', 'read', '', false],
    // A caller that may read a service may read its intentions.
    ['intention', 'read', 'web', true],
    ['intention', 'write', 'web', false],
    ['intention', 'read', 'hidden-x', false],
  ])('%s:%s on %j: %s', (resource, verb, name, allowed) => {
    expect(authorizer.allows('default', resource, verb, name)).toBe(allowed);
  });

  it.each([
    ['app/', false],
    ['app/log/', false],
    ['app/other/', true],
    ['app/secre', false],
    ['app/secret/', true],
    ['shared/', false],
    ['', false],
    ['nothing/', false],
  ])('the tree %j may be deleted: %s', (prefix, allowed) => {
    expect(authorizer.allowsKeyTree('default', prefix, 'write')).toBe(allowed);
  });

  it('allows everything only if no rule denies anything', () => {
    expect(authorizer.allowsAll('default', 'service', 'read')).toBe(false);
    expect(compiled(['service_prefix "" { policy = "read" } service "a" { policy = "write" }']).allowsAll('default', 'service', 'read')).toBe(true);
    expect(compiled(['service_prefix "a" { policy = "read" }']).allowsAll('default', 'service', 'read')).toBe(false);
    expect(compiled(['service "a" { policy = "deny" }'], 'allow').allowsAll('default', 'service', 'read')).toBe(false);
    expect(compiled([], 'allow').allowsAll('default', 'node', 'read')).toBe(true);
  });
});

describe('several policies', () => {
  it.each<[Level[], Level]>([
    [['read', 'write'], 'write'],
    [['write', 'deny', 'write'], 'deny'],
    [['list', 'read'], 'list'],
    [['list', 'write'], 'write'],
    [['read', 'deny'], 'deny'],
  ])('for the same name: of %j, %s wins', (levels, strongest) => {
    for (const order of [levels, levels.toReversed()]) {
      for (const block of ['key "k"', 'key_prefix "k"']) {
        const authorizer = compiled(order.map((level) => `${block} { policy = "${level}" }`), 'allow');
        expect(authorizer.allows('default', 'key', 'read', 'k')).toBe(strongest !== 'deny');
        expect(authorizer.allows('default', 'key', 'list', 'k')).toBe(strongest === 'list' || strongest === 'write');
        expect(authorizer.allows('default', 'key', 'write', 'k')).toBe(strongest === 'write');
      }
    }
  });

  it('let a longer prefix that denies less win over a shorter one that denies', () => {
    const authorizer = compiled(['key_prefix "a/" { policy = "deny" }', 'key_prefix "a/b/" { policy = "write" }']);
    expect(authorizer.allows('default', 'key', 'write', 'a/b/c')).toBe(true);
    expect(authorizer.allows('default', 'key', 'read', 'a/c')).toBe(false);
  });

  it('let deny win for resources without names', () => {
    expect(compiled(['acl = "write"', 'acl = "deny"']).allows('default', 'acl', 'read')).toBe(false);
    expect(compiled(['mesh = "deny" operator = "write"']).allows('default', 'mesh', 'read')).toBe(false);
  });

  it('merge intentions separately from the level of the service', () => {
    const authorizer = compiled(['service "web" { policy = "deny" intentions = "write" }', 'service "web" { policy = "read" }']);
    expect(authorizer.allows('default', 'service', 'read', 'web')).toBe(false);
    expect(authorizer.allows('default', 'intention', 'write', 'web')).toBe(true);
    expect(authorizer.allows('default', 'intention', 'read', '*')).toBe(true);
    expect(authorizer.allows('default', 'intention', 'write', '*')).toBe(false);
  });
});

describe('the default policy', () => {
  it('decides where no rule does, but never allows access control itself', () => {
    const open = compiled([], 'allow');
    expect(open.allows('default', 'service', 'write', 'web')).toBe(true);
    expect(open.allows('default', 'operator', 'write')).toBe(true);
    expect(open.allowsKeyTree('default', '', 'write')).toBe(true);
    expect(open.allows('default', 'acl', 'read')).toBe(false);
    expect(compiled([]).allows('default', 'service', 'read', 'web')).toBe(false);
  });

  it('decides about deleting a tree together with the rules below it', () => {
    const open = compiled(['key_prefix "a/b/" { policy = "read" } key "c" { policy = "write" }'], 'allow');
    expect(open.allowsKeyTree('default', 'a/', 'write')).toBe(false);
    expect(open.allowsKeyTree('default', 'c', 'write')).toBe(true);
  });
});

describe('rules about configurations', () => {
  const granted = (authorizer: Authorizer, name: string) =>
    (['config-approve', 'config-publish', 'config-reveal'] as const).filter((resource) => authorizer.allows('default', resource, 'write', name)).map((resource) => resource.slice('config-'.length));

  it.each<[readonly string[], string, read: boolean, edit: boolean, grants: readonly string[]]>([
    [['config "shop/app" { policy = "read" }'], 'shop/app', true, false, []],
    [['config "shop/app" { policy = "edit" }'], 'shop/app', true, true, []],
    [['config_prefix "shop/" { policy = "approve" }'], 'shop/app', true, false, ['approve']],
    [['config_prefix "shop/" { policy = "publish, reveal" }'], 'shop/app', true, false, ['publish', 'reveal']],
    [['config_prefix "" { policy = "write" }'], 'shop/app', true, true, ['approve', 'publish', 'reveal']],
    [['config_prefix "shop/" { policy = "write" }'], 'shopping/app', false, false, []],
    // The most specific rule decides about everything.
    [['config_prefix "" { policy = "write" } config_prefix "shop/" { policy = "read" }'], 'shop/app', true, false, []],
    [['config_prefix "" { policy = "write" } config "shop/app" { policy = "deny" }'], 'shop/app', false, false, []],
    // Policies of one caller are added, and a denial wins.
    [['config "shop/app" { policy = "edit" }', 'config "shop/app" { policy = "publish" }'], 'shop/app', true, true, ['publish']],
    [['config "shop/app" { policy = "write" }', 'config "shop/app" { policy = "deny" }'], 'shop/app', false, false, []],
    [['key_prefix "" { policy = "write" }'], 'shop/app', false, false, []],
  ])('%j, for %s', (policies, name, read, edit, grants) => {
    const authorizer = compiled(policies);
    expect([authorizer.allows('default', 'config', 'read', name), authorizer.allows('default', 'config', 'write', name), granted(authorizer, name)]).toEqual([read, edit, grants]);
  });

  it('are silent for other names, so the default policy decides', () => {
    const open = compiled(['config_prefix "shop/" { policy = "read" }'], 'allow');
    expect([granted(open, 'shop/app'), granted(open, 'other')]).toEqual([[], ['approve', 'publish', 'reveal']]);
  });
});

describe('ready-made rules', () => {
  it('allow managing everything, or reading everything', () => {
    const [management, readOnly] = builtinPolicies.map(({ rules }) => compiled([rules]));
    for (const resource of ['acl', 'keyring', 'operator', 'mesh', 'peering', 'agent', 'config', 'config-approve', 'config-publish', 'config-reveal', 'event', 'key', 'node', 'query', 'service', 'session', 'intention'] as const) {
      expect(management?.allows('default', resource, 'write', 'any'), resource).toBe(true);
      expect(readOnly?.allows('default', resource, 'read', 'any'), resource).toBe(true);
      expect(readOnly?.allows('default', resource, 'write', 'any'), resource).toBe(false);
    }
    expect(unrestricted.allows('default', 'acl', 'write')).toBe(true);
  });

  it('of identities let a service and a node register themselves and read others', () => {
    const authorizer = compileRules([serviceIdentityRules('web'), nodeIdentityRules('n1')].map(inDefault), 'deny');
    expect(authorizer.allows('default', 'service', 'write', 'web')).toBe(true);
    expect(authorizer.allows('default', 'service', 'write', 'web-sidecar-proxy')).toBe(true);
    expect(authorizer.allows('default', 'service', 'write', 'web2')).toBe(false);
    expect(authorizer.allows('default', 'service', 'read', 'other')).toBe(true);
    expect(authorizer.allows('default', 'node', 'write', 'n1')).toBe(true);
    expect(authorizer.allows('default', 'node', 'write', 'n2')).toBe(false);
    expect(authorizer.allows('default', 'key', 'read', 'x')).toBe(false);
    expect([authorizer.allows('default', 'config', 'read', 'web/app'), authorizer.allows('default', 'config', 'write', 'web/app'), authorizer.allows('default', 'config', 'read', 'web2/app')]).toEqual([true, false, false]);
  });
});

/** The naive reading: looks at the rules one by one. */
function plainly(policies: readonly Rules[], defaultPolicy: DefaultPolicy, verb: Verb, name: string): boolean {
  const rules = policies.flatMap(({ named }) => named);
  const exact = rules.filter((rule) => !rule.prefix && rule.name === name);
  const prefixes = rules.filter((rule) => rule.prefix && name.startsWith(rule.name));
  const longest = Math.max(...prefixes.map((rule) => rule.name.length));
  const levels = (exact.length > 0 ? exact : prefixes.filter((rule) => rule.name.length === longest)).map(({ level }) => level);
  if (levels.length === 0) return defaultPolicy === 'allow';
  if (levels.includes('deny')) return false;
  if (levels.includes('write')) return true;
  return verb !== 'write' && (verb === 'read' || levels.includes('list'));
}

describe('any rules', () => {
  it('allow the same as a naive reading of them, also for trees', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 4 });
    const rule: fc.Arbitrary<NamedRule> = fc.record({
      resource: fc.constant('key' as const),
      name,
      prefix: fc.boolean(),
      level: fc.constantFrom<Level>('deny', 'read', 'list', 'write'),
    });
    const policy = fc.array(rule, { maxLength: 8 }).map((named): Rules => ({ scalar: {}, named, namespaces: [], ignored: [] }));
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 4 }), fc.constantFrom<DefaultPolicy>('allow', 'deny'), fc.array(name, { minLength: 1 }), (policies, defaultPolicy, names) => {
        const authorizer = compileRules(policies.map(inDefault), defaultPolicy);
        for (const wanted of names) {
          for (const verb of ['read', 'list', 'write'] as const) {
            expect(authorizer.allows('default', 'key', verb, wanted)).toBe(plainly(policies, defaultPolicy, verb, wanted));
          }
          // A tree that may be deleted contains no key that may not.
          if (!authorizer.allowsKeyTree('default', wanted, 'write')) continue;
          for (const rest of ['', 'a', 'b/', 'ab', ...names]) {
            expect(plainly(policies, defaultPolicy, 'write', wanted + rest)).toBe(true);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
