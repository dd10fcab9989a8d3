/** Policies are read with Consul's checks and refused in its words. */

import { describe, expect, it } from 'vitest';
import { assertRules, parseRules } from './rules.ts';
import { builtinPolicies, printRules, templateList, templateRules } from './templates.ts';

describe('a policy', () => {
  it('is read in HCL and in JSON alike', () => {
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

  it('may be empty, and say nothing about a scalar', () => {
    expect(parseRules('')).toEqual({ scalar: {}, named: [], namespaces: [], ignored: [] });
    expect(parseRules('acl = ""').scalar).toEqual({});
  });

  it('tells which of its keys mean nothing here', () => {
    const { ignored, named } = parseRules('partition "x" { policy = "read" }\nsevice "web" { policy = "deny" } key "a" { policy = "read" }');
    expect(ignored).toMatchObject([{ key: 'partition', line: 1, column: 1 }, { key: 'sevice', line: 2, column: 1 }]);
    expect(named).toMatchObject([{ resource: 'key', name: 'a' }]);
  });

  it.each([
    ['acl = "list"', 'Invalid acl policy: "list"'],
    ['operator = "nope"', 'Invalid operator policy: "nope"'],
    ['keyring = "nope"', 'Invalid keyring policy: "nope"'],
    ['mesh = "nope"', 'Invalid mesh policy: "nope"'],
    ['peering = "nope"', 'Invalid peering policy: "nope"'],
    ['agent "a" { policy = "nope" }', 'Invalid agent policy: &acl.AgentRule{Node:"a", Policy:"nope"}'],
    ['agent_prefix "a" { policy = "nope" }', 'Invalid agent_prefix policy: &acl.AgentRule{Node:"a", Policy:"nope"}'],
    [
      'key "k\\"" { policy = "nope" }',
      'Invalid key policy: &acl.KeyRule{Prefix:"k\\"", Policy:"nope", EnterpriseRule:acl.EnterpriseRule{}}',
    ],
    [
      'key_prefix "k" {}',
      'Invalid key_prefix policy: &acl.KeyRule{Prefix:"k", Policy:"", EnterpriseRule:acl.EnterpriseRule{}}',
    ],
    ['node "n" { policy = "list" }', 'Invalid node policy: &acl.NodeRule{Name:"n", Policy:"list", EnterpriseRule:acl.EnterpriseRule{}}'],
    [
      'service "s" { policy = "nope" }',
      'Invalid service policy: &acl.ServiceRule{Name:"s", Policy:"nope", Intentions:"", EnterpriseRule:acl.EnterpriseRule{}}',
    ],
    [
      'service "s" { policy = "read" intentions = "nope" }',
      'Invalid service intentions policy: &acl.ServiceRule{Name:"s", Policy:"read", Intentions:"nope", EnterpriseRule:acl.EnterpriseRule{}}',
    ],
    ['session "s" { policy = "nope" }', 'Invalid session policy: &acl.SessionRule{Node:"s", Policy:"nope"}'],
    ['event_prefix "e" { policy = "nope" }', 'Invalid event_prefix policy: &acl.EventRule{Event:"e", Policy:"nope"}'],
    ['query "q" { policy = "nope" }', 'Invalid query policy: &acl.PreparedQueryRule{Prefix:"q", Policy:"nope"}'],
    ['key "a"', 'Failed to parse ACL rules: At 1:8: '],
    ['key = "read"', 'Failed to parse ACL rules: At 1:1: key takes a name and an object'],
    ['\n  acl = 1', 'Failed to parse ACL rules: At 2:3: acl takes a string'],
    ['key "a" "b" { policy = "read" }', 'Failed to parse ACL rules: At 1:1: key takes one name'],
    ['key "a" { policy = ["read"] }', 'Failed to parse ACL rules: At 1:11: policy takes a string'],
  ])('that is wrong is refused: %s', (text, message) => {
    expect(() => parseRules(text)).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as string }) as Error);
  });
});

describe('built-in rules', () => {
  it('are readable, and rule every resource', () => {
    for (const { rules } of builtinPolicies) {
      const { scalar, named, ignored } = parseRules(rules);
      expect(Object.keys(scalar)).toHaveLength(5);
      expect(named).toHaveLength(7);
      expect(ignored).toEqual([]);
    }
  });

  it.each(templateList())('$name prints what it means', ({ name, named }) => {
    const rules = templateRules(name, named ? 'web' : undefined);
    expect(parseRules(printRules(rules))).toEqual(rules);
    if (named) expect(() => templateRules(name, '')).toThrow('needs the template variable name');
  });

  it('of an unknown template are refused', () => {
    expect(() => templateRules('builtin/nope', 'x')).toThrow('no such ACL templated policy with Name "builtin/nope"');
    expect(() => templateRules('toString', 'x')).toThrow('no such ACL templated policy');
  });
});

describe('rules that are written now', () => {
  it.each([
    ['service_prefx "" { policy = "deny" }', 'At 1:1: unknown key "service_prefx"; did you mean "service_prefix"?'],
    ['key "a" { policy = "read" }\nsevice "web" { policy = "deny" }', 'At 2:1: unknown key "sevice"; did you mean "service"?'],
    ['service "web" { policy = "write" intention = "deny" }', 'At 1:34: unknown key "intention"; did you mean "intentions"?'],
    ['{"keys": {"a": {"policy": "deny"}}}', 'unknown key "keys"; did you mean "key"?'],
    ['{"key": {"a": {"policy": "read", "intentions": "deny"}}}', 'unknown key "intentions"; known are policy'],
    ['key "a" { policy = "write" sentinel { code = "x" } }', 'unknown key "sentinel"; known are policy'],
    ['acl_prefix = "deny"', 'unknown key "acl_prefix"'],
    ['partition "x" { policy = "deny" }', 'unknown key "partition"'],
    ['namespace "x" { polici = "deny" }', 'At 1:17: unknown key "polici"; did you mean "policy"?'],
    ['namespace "x" { service "web" { policy = "read" intention = "deny" } }', 'At 1:49: unknown key "intention"; did you mean'],
  ])('are refused with the key that means nothing: %s', (text, message) => {
    expect(() => assertRules(text, 'default')).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as unknown }));
  });

  it('may have every key that there is', () => {
    const named = ['agent', 'event', 'identity', 'key', 'node', 'query', 'service', 'session'];
    const all = named.flatMap((name) => [`${name} "a" { policy = "read" }`, `${name}_prefix "a" { POLICY = "read" }`]);
    const scalar = ['acl', 'keyring', 'mesh', 'operator', 'peering'].map((name) => `${name} = "read"`);
    expect(() => assertRules([...all, ...scalar, 'service "b" { policy = "read" intentions = "read" }'].join('\n'), 'default')).not.toThrow();
  });
});
