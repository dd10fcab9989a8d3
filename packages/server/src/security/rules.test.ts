/** Policies are read with the checks of Consul; errors name the wrong key and level. */

import { describe, expect, it } from 'vitest';
import { assertRules, parseRules } from './rule-text.ts';
import { builtinPolicies, printRules, templateList, templateRules } from './templates.ts';

describe('a policy', () => {
  it('is read the same in HCL and in JSON', () => {
    const hcl = `
      acl = "read"   # for auditors
      operator = "deny"
      key "a/b" { policy = "list" }
      key_prefix "" { policy = "Write" }
      service "web" { policy = "write" intentions = "read" }
      session_prefix "n" { policy = "deny" }`;
    const json = JSON.stringify({
      acl: 'read',
      operator: 'deny',
      key: { 'a/b': { policy: 'list' } },
      key_prefix: [{ '': { policy: 'Write' } }],
      service: { web: [{ policy: 'write', intentions: 'read' }] },
      session_prefix: { n: { Policy: 'deny' } },
    });
    const expected = {
      scalar: { acl: 'read', operator: 'deny' },
      named: [
        { resource: 'key', name: 'a/b', prefix: false, level: 'list' },
        { resource: 'key', name: '', prefix: true, level: 'write' },
        { resource: 'service', name: 'web', prefix: false, level: 'write', intentions: 'read' },
        { resource: 'session', name: 'n', prefix: true, level: 'deny' },
      ],
      namespaces: [],
      ignored: [],
    };
    expect(parseRules(hcl)).toEqual(expected);
    expect(parseRules(json)).toEqual(expected);
  });

  it('may be empty, and may have no rule for a resource without names', () => {
    expect(parseRules('')).toEqual({ scalar: {}, named: [], namespaces: [], ignored: [] });
    expect(parseRules('acl = ""').scalar).toEqual({});
  });

  it('lists its unknown keys', () => {
    const { ignored, named } = parseRules('partition "x" { policy = "read" }\nsevice "web" { policy = "deny" } key "a" { policy = "read" }');
    expect(ignored).toMatchObject([{ key: 'partition', line: 1, column: 1 }, { key: 'sevice', line: 2, column: 1 }]);
    expect(named).toMatchObject([{ resource: 'key', name: 'a' }]);
  });

  it.each([
    ['acl = "list"', 'the level of acl is "list"; give "read", "write" or "deny"'],
    ['operator = "nope"', 'the level of operator is "nope"; give "read", "write" or "deny"'],
    ['keyring = "nope"', 'the level of keyring is "nope"; give "read", "write" or "deny"'],
    ['mesh = "nope"', 'the level of mesh is "nope"; give "read", "write" or "deny"'],
    ['peering = "nope"', 'the level of peering is "nope"; give "read", "write" or "deny"'],
    ['agent "a" { policy = "nope" }', 'the level of agent "a" is "nope"; give "read", "write" or "deny"'],
    ['agent_prefix "a" { policy = "nope" }', 'the level of agent_prefix "a" is "nope"; give "read", "write" or "deny"'],
    [
      'key "k\\"" { policy = "nope" }',
      'the level of key "k\\"" is "nope"; give "read", "list", "write" or "deny"',
    ],
    [
      'key_prefix "k" {}',
      'the level of key_prefix "k" is ""; give "read", "list", "write" or "deny"',
    ],
    ['node "n" { policy = "list" }', 'the level of node "n" is "list"; give "read", "write" or "deny"'],
    [
      'service "s" { policy = "nope" }',
      'the level of service "s" is "nope"; give "read", "write" or "deny"',
    ],
    [
      'service "s" { policy = "read" intentions = "nope" }',
      'the level of the intentions of service "s" is "nope"; give "read", "write" or "deny"',
    ],
    ['session "s" { policy = "nope" }', 'the level of session "s" is "nope"; give "read", "write" or "deny"'],
    ['event_prefix "e" { policy = "nope" }', 'the level of event_prefix "e" is "nope"; give "read", "write" or "deny"'],
    ['query "q" { policy = "nope" }', 'the level of query "q" is "nope"; give "read", "write" or "deny"'],
    ['key "a"', 'the rules cannot be read: line 1, column 8: '],
    ['key = "read"', 'the rules cannot be read: line 1, column 1: key takes a name and an object with its policy'],
    ['\n  acl = 1', 'the rules cannot be read: line 2, column 3: acl takes a string: "read", "write" or "deny"'],
    ['key "a" "b" { policy = "read" }', 'the rules cannot be read: line 1, column 1: key takes one name'],
    ['key "a" { policy = ["read"] }', 'the rules cannot be read: line 1, column 11: policy takes a string'],
  ])('that is invalid is refused: %s', (text, message) => {
    expect(() => parseRules(text)).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as string }) as Error);
  });
});

describe('rules about configurations', () => {
  it.each<[string, object]>([
    ['read', { level: 'read' }],
    ['edit', { level: 'write' }],
    ['approve', { level: 'read', grants: ['approve'] }],
    ['edit, publish', { level: 'write', grants: ['publish'] }],
    ['Read,REVEAL', { level: 'read', grants: ['reveal'] }],
    ['write', { level: 'write', grants: ['approve', 'publish', 'reveal'] }],
    ['deny', { level: 'deny' }],
  ])('grant: %s', (policy, expected) => {
    const rules = parseRules(`config "shop/app" { policy = "${policy}" }`);
    expect(rules.named).toEqual([{ resource: 'config', name: 'shop/app', prefix: false, ...expected }]);
    expect(parseRules(printRules(rules))).toEqual(rules);
  });

  it.each(['', 'list', 'deny, read', 'publish edit', 'approve,,'])('refuse the level %j', (policy) => {
    expect(() => parseRules(`config_prefix "shop/" { policy = "${policy}" }`)).toThrow(`the level of config_prefix "shop/" is "${policy}"; give "deny", "write", or some of "read"`);
  });
});

describe('built-in rules', () => {
  it('are readable and have a rule for every resource', () => {
    for (const { rules } of builtinPolicies) {
      const { scalar, named, ignored } = parseRules(rules);
      expect(Object.keys(scalar)).toHaveLength(5);
      expect(named).toHaveLength(10);
      expect(ignored).toEqual([]);
    }
  });

  it.each(templateList())('$name prints its rules', ({ name, named }) => {
    const rules = templateRules(name, named ? 'web' : undefined);
    expect(parseRules(printRules(rules))).toEqual(rules);
    if (named) expect(() => templateRules(name, '')).toThrow(`the templated policy "${name}" needs the variable Name`);
  });

  it('of an unknown template are refused', () => {
    expect(() => templateRules('builtin/nope', 'x')).toThrow('no templated policy has the name "builtin/nope"');
    expect(() => templateRules('toString', 'x')).toThrow('no templated policy has the name "toString"');
  });
});

describe('new rules', () => {
  it.each([
    ['service_prefx "" { policy = "deny" }', 'the rules cannot be read: line 1, column 1: unknown key "service_prefx"; did you mean "service_prefix"?'],
    ['key "a" { policy = "read" }\nsevice "web" { policy = "deny" }', 'the rules cannot be read: line 2, column 1: unknown key "sevice"; did you mean "service"?'],
    ['service "web" { policy = "write" intention = "deny" }', 'the rules cannot be read: line 1, column 34: unknown key "intention"; did you mean "intentions"?'],
    ['{"keys": {"a": {"policy": "deny"}}}', 'unknown key "keys"; did you mean "key"?'],
    ['{"key": {"a": {"policy": "read", "intentions": "deny"}}}', 'unknown key "intentions"; known are policy'],
    ['key "a" { policy = "write" sentinel { code = "x" } }', 'unknown key "sentinel"; known are policy'],
    ['acl_prefix = "deny"', 'unknown key "acl_prefix"'],
    ['partition "x" { policy = "deny" }', 'unknown key "partition"'],
    ['namespace "x" { polici = "deny" }', 'the rules cannot be read: line 1, column 17: unknown key "polici"; did you mean "policy"?'],
    ['namespace "x" { service "web" { policy = "read" intention = "deny" } }', 'the rules cannot be read: line 1, column 49: unknown key "intention"; did you mean "intentions"?'],
  ])('are refused with their unknown key: %s', (text, message) => {
    expect(() => assertRules(text, 'default')).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as unknown }));
  });

  it('may have every known key', () => {
    const named = ['agent', 'config', 'event', 'identity', 'key', 'lock', 'node', 'query', 'service', 'session', 'znode'];
    const all = named.flatMap((name) => [`${name} "a" { policy = "read" }`, `${name}_prefix "a" { POLICY = "read" }`]);
    const scalar = ['acl', 'keyring', 'mesh', 'operator', 'peering'].map((name) => `${name} = "read"`);
    expect(() => assertRules([...all, ...scalar, 'service "b" { policy = "read" intentions = "read" }'].join('\n'), 'default')).not.toThrow();
  });
});
