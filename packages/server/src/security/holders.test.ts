/** Who has a permission is found by descriptions of tokens and names of roles, within limits, and only told to callers with a token of their own. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { secured, type Secured } from './security.case.ts';

let all: Secured;
beforeEach(async () => {
  all = await secured({ initialManagement: 'a management token' });
});
afterEach(() => all.close());

const question = { namespace: 'default', resource: 'config-approve', verb: 'write', name: 'shop/app' } as const;

async function tokenWith(rules: string, description: string, more: object = {}): Promise<string> {
  const { id } = await all.admin.putPolicy('default', { name: `policy-${description || 'unnamed'}`.replaceAll(' ', '-'), rules });
  return (await all.admin.createToken('default', { description, policies: [{ id }], ...more })).secret;
}

it('tokens and roles with the right are found, until a policy changes', async () => {
  const secret = await tokenWith('config "shop/app" { policy = "approve" }', 'Bob');
  await tokenWith('config "shop/other" { policy = "approve" }', 'Carl');
  await tokenWith('config "shop/app" { policy = "publish" }', 'Pat');
  const { id } = await all.admin.putPolicy('default', { name: 'approve-all', rules: 'config_prefix "" { policy = "approve" }' });
  await all.admin.putRole('default', { name: 'leads', policies: [{ id }] });
  const caller = all.acl.resolve(secret);
  const names = () => all.acl.holders(caller, question)?.tokens.map(({ description }) => description).sort();
  expect([names(), all.acl.holders(caller, question)?.roles]).toEqual([expect.arrayContaining(['Bob']), ['leads']]);
  expect(names()).not.toContain('Carl');
  expect(names()).not.toContain('Pat');
  await all.admin.createToken('default', { description: 'Dora', roles: [{ name: 'leads' }] });
  expect(names()).toContain('Dora');
});

it('callers without a token of their own learn of no one', async () => {
  expect(all.acl.holders(all.acl.resolve(undefined), question)).toBeUndefined();
});

it('at most 100 tokens are named, and the answer says that there are more', async () => {
  const secret = await tokenWith('config_prefix "" { policy = "approve" }', 'the first');
  const { id } = await all.admin.putPolicy('default', { name: 'approve', rules: 'config_prefix "" { policy = "approve" }' });
  for (let each = 0; each < 100; each++) await all.admin.createToken('default', { description: `approver ${each}`, policies: [{ id }] });
  const found = all.acl.holders(all.acl.resolve(secret), question);
  expect([found?.tokens.length, found?.partial]).toEqual([100, true]);
});
