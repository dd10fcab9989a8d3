/** Denials are explained to people, and tell no secret, no id of another token, and no grantor to callers without a token. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ExplainedDenial } from '@rollcall/protocol';
import type { Caller } from './acl.ts';
import { denialIn } from './access-error.ts';
import { secured, type Secured } from './security.case.ts';

let all: Secured;
beforeEach(async () => {
  all = await secured({ initialManagement: 'a management token' });
});
afterEach(() => all.close());

function denied(caller: Caller, name = 'web', namespace = 'default'): ExplainedDenial | undefined {
  try {
    all.acl.authorize(caller, namespace, 'service', 'write', name);
  } catch (error) {
    const denial = denialIn(error);
    return denial === undefined ? undefined : all.acl.explain(denial);
  }
  throw new Error('it is allowed');
}

async function policy(name: string, rules: string): Promise<string> {
  return (await all.admin.putPolicy('default', { name, rules })).id;
}

it('a denial names the caller, the rule, the tokens that can grant it and the policies that would allow it', async () => {
  const readers = await policy('readers', 'service_prefix "" { policy = "read" }');
  await policy('web-writers', 'service "web" { policy = "write" }');
  await policy('db-writers', 'service "db" { policy = "write" }');
  const admins = await policy('admins', 'acl = "write"');
  const { token: admin } = await all.admin.createToken('default', { description: 'Ada, who runs the registry', policies: [{ id: admins }] });
  const { secret } = await all.admin.createToken('default', { description: 'a reader', policies: [{ id: readers }] });
  const explained = denied(all.acl.resolve(secret));
  expect(explained).toEqual({
    ...{ subject: 'a reader', namespace: 'default', resource: 'service', verb: 'write', name: 'web' },
    rule: { source: 'policy readers', text: 'service_prefix "" { policy = "read" }' },
    grantors: { tokens: expect.arrayContaining(['Ada, who runs the registry']) as string[], policies: ['web-writers', 'global-management'] },
  });
  expect(explained?.grantors?.tokens).not.toContain('a reader');
  expect(JSON.stringify(explained)).not.toContain(admin.accessorId);
});

it('a caller without a token learns the rule, and no grantor; that of the default token neither', async () => {
  expect(denied(all.acl.resolve(undefined))).toEqual({ subject: 'the anonymous token', namespace: 'default', resource: 'service', verb: 'write', name: 'web', rule: { source: 'default policy', text: 'deny' } });
  const { secret } = await all.admin.createToken('default', { description: 'all without one', policies: [{ id: await policy('readers', 'service_prefix "" { policy = "read" }') }] });
  all.acl.setDefaultToken(secret);
  const explained = denied(all.acl.resolve(undefined));
  expect([explained?.subject, explained?.rule.source, explained?.grantors]).toEqual(['all without one', 'policy readers', undefined]);
});

it('a role and the namespace that give a rule are named', async () => {
  const id = await policy('readers', 'service_prefix "" { policy = "read" }');
  const role = await all.admin.putRole('default', { name: 'guests', policies: [{ id }] });
  const { secret } = await all.admin.createToken('default', { roles: [{ id: role.id }] });
  expect(denied(all.acl.resolve(secret))?.rule.source).toBe('policy readers of role guests');
});

it('who can grant follows each change', async () => {
  const readers = await policy('readers', 'service_prefix "" { policy = "read" }');
  const { secret } = await all.admin.createToken('default', { description: 'a reader', policies: [{ id: readers }] });
  const grantors = () => denied(all.acl.resolve(secret))?.grantors;
  expect(grantors()?.tokens).not.toContain('Ada');
  const admins = await policy('admins', 'acl = "write"');
  await all.admin.createToken('default', { description: 'Ada', policies: [{ id: admins }] });
  expect(grantors()?.tokens).toContain('Ada');
  await policy('web-writers', 'service "web" { policy = "write" }');
  expect(grantors()?.policies).toContain('web-writers');
});

it('a denial that no single rule makes says so', async () => {
  const { secret } = await all.admin.createToken('default', { policies: [{ id: await policy('most', 'key_prefix "" { policy = "write" } key "a/b" { policy = "read" }') }] });
  const caller = all.acl.resolve(secret);
  expect(caller.authorizer.allowsKeyTree('default', 'a/', 'write')).toBe(false);
  expect(all.acl.explain({ accessorId: caller.accessorId, namespace: 'default', resource: 'key', verb: 'write', name: 'a/' })?.rule.source).toBe('several rules');
});
