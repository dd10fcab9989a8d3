/** Policies are read with Consul's checks and refused in its words. */

import { describe, expect, it } from 'vitest';
import { parseRules } from './rules.ts';
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
      ignored: [],
    };
    expect(parseRules(hcl)).toEqual(expected);
    expect(parseRules(json)).toEqual(expected);
  });

  it('may be empty, and say nothing about a scalar', () => {
    expect(parseRules('')).toEqual({ scalar: {}, named: [], ignored: [] });
    expect(parseRules('acl = ""').scalar).toEqual({});
  });

  it('tells which of its keys mean nothing here', () => {
    expect(parseRules('namespace "x" { policy = "read" } sevice "web" { policy = "deny" }').ignored).toEqual(['namespace', 'sevice']);
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
    const { scalar, named: rulesOf } = parseRules(printRules(rules));
    expect({ scalar, named: rulesOf, ignored: [] }).toEqual(rules);
    if (named) expect(() => templateRules(name, '')).toThrow('needs the template variable name');
  });

  it('of an unknown template are refused', () => {
    expect(() => templateRules('builtin/nope', 'x')).toThrow('no such ACL templated policy with Name "builtin/nope"');
    expect(() => templateRules('toString', 'x')).toThrow('no such ACL templated policy');
  });
});
