/** Writes of access control: stored rows, refusals with their messages, and requests that work only once. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordsOfType } from '../registry/kind/record/find.ts';
import { hashSecret, recordTypes } from './records.ts';
import { secured, type Secured } from './security.case.ts';
import { builtinPolicies } from './templates.ts';
import { anonymousAccessor, managementPolicyId } from './well-known.ts';

let all: Secured;
beforeEach(async () => {
  all = await secured();
});
afterEach(() => all.close());

const uuid = (n: number) => `20000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
/** All records of access control, as text. */
const kept = () =>
  Object.values(recordTypes)
    .flatMap((type) => [...recordsOfType(all.replica.state, 'default', type)])
    .map((row) => JSON.stringify(row))
    .join('\n');

describe('the start', () => {
  it('creates the built-in policies and the anonymous token once', async () => {
    expect(all.acl.store.policies('default').map(({ id }) => id).sort()).toEqual(builtinPolicies.map(({ id }) => id));
    expect(all.acl.store.token('default', anonymousAccessor)?.description).toBe('Anonymous Token');
    const { revision } = all.replica.state;
    await all.admin.initialise();
    expect(all.replica.state.revision).toBe(revision);
  });

  it('creates a management token with any secret from the configuration; bootstrap is then refused', async () => {
    await all.admin.initialise('root');
    const caller = all.acl.resolve('root');
    expect(caller.authorizer.allows('default', 'acl', 'write')).toBe(true);
    expect(kept()).not.toContain('root');
    await expect(all.admin.bootstrap()).rejects.toThrow('bootstrap was done already and works once; to allow another one, write the reset index');
    const { revision } = all.replica.state;
    await all.admin.initialise('root');
    expect(all.replica.state.revision).toBe(revision);
  });
});

describe('the bootstrap', () => {
  it('creates a management token once', async () => {
    const { token, secret } = await all.admin.bootstrap();
    expect(all.acl.resolve(secret).authorizer.allows('default', 'acl', 'write')).toBe(true);
    expect(token).toMatchObject({ description: 'Bootstrap Token (Global Management)', policies: [managementPolicyId] });
    const index = all.acl.store.bootstrapRevision();
    await expect(all.admin.bootstrap()).rejects.toThrow(
      expect.objectContaining({
        code: 'permission_denied',
        message: `bootstrap was done already and works once; to allow another one, write the reset index ${index}`,
      }) as Error,
    );
  });

  it('creates one token for many concurrent requests', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => all.admin.bootstrap()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(all.acl.store.tokens('default')).toHaveLength(2);
  });

  it('works again after a reset with the right index', async () => {
    await all.admin.bootstrap();
    const index = all.acl.store.bootstrapRevision();
    all.reset = index + 1;
    await expect(all.admin.bootstrap()).rejects.toThrow(
      `the reset index is ${index + 1}; it must be ${index}`,
    );
    all.reset = index;
    const { secret } = await all.admin.bootstrap();
    expect(all.acl.resolve(secret).authorizer.allows('default', 'acl', 'write')).toBe(true);
    await expect(all.admin.bootstrap()).rejects.toThrow(`the reset index is ${index}; it must be ${all.acl.store.bootstrapRevision()}`);
  });

  it('accepts a secret that the caller chooses, if it is an unused UUID', async () => {
    await expect(all.admin.bootstrap('root')).rejects.toThrow('the bootstrap secret is not a UUID');
    await all.admin.createToken('default', { secret: uuid(1) });
    await expect(all.admin.bootstrap(uuid(1))).rejects.toThrow('another token has this bootstrap secret');
    expect((await all.admin.bootstrap(uuid(2))).secret).toBe(uuid(2));
  });
});

describe('a token', () => {
  it('may live for years, and expires on time', async () => {
    const fiveYearsMs = 5 * 365 * 86_400_000;
    const { secret, token } = await all.admin.createToken('default', { ttlMs: fiveYearsMs });
    expect(token.expiresAtMs).toBe(all.clock.now() + fiveYearsMs);
    all.clock.advance(fiveYearsMs - 1);
    expect(all.acl.resolve(secret).accessorId).toBe(token.accessorId);
    all.clock.advance(1);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
  });

  it('is stored without its secret', async () => {
    const { secret, token } = await all.admin.createToken('default', { description: 'mine', secret: uuid(1), accessorId: uuid(2) });
    expect([secret, token.accessorId]).toEqual([uuid(1), uuid(2)]);
    expect(kept()).not.toContain(uuid(1));
    expect(kept()).toContain(hashSecret(uuid(1)));
  });

  it.each([
    [{ accessorId: 'x' }, 'the accessor id is not a UUID'],
    [{ secret: 'x' }, 'the secret is not a UUID'],
    [
      { accessorId: '00000000-0000-0000-0000-000000000009' },
      'the accessor id starts with "00000000-0000-0000-0000-0000000000", which is reserved',
    ],
    [{ ttlMs: -1_000 }, 'the token would live -1000 ms; give more than 0'],
    [{ ttlMs: 60_000, expiresAtMs: 1 }, 'give the life of the token or its end, not both'],
    [{ expiresAtMs: 1 }, 'the token would expire before it is created'],
    [{ ttlMs: 10_500 }, 'the token would live 10500 ms; the minimum is 60000 ms'],
    [{ policies: [{ id: uuid(9) }] }, `no policy has the id "${uuid(9)}"`],
    [{ policies: [{ name: 'nope' }] }, 'no policy has the name "nope"'],
    [{ roles: [{ name: 'nope' }] }, 'no role has the name "nope"'],
    [{ serviceIdentities: [{ service: '', datacenters: [] }] }, 'a service identity of this token names no service'],
    [{ serviceIdentities: [{ service: 'Web', datacenters: [] }] }, 'the service identity "Web" is invalid: use only lower-case letters, digits, "-" and "_", and starts and ends with a letter or digit'],
    [
      { local: true, serviceIdentities: [{ service: 'web', datacenters: ['dc1'] }] },
      'the identity of service "web" names datacenters, but the token is local',
    ],
    [{ nodeIdentities: [{ node: '', datacenter: 'dc1' }] }, 'a node identity of this token names no node'],
    [{ nodeIdentities: [{ node: 'n', datacenter: '' }] }, 'a node identity of this token names no datacenter'],
    [{ templatedPolicies: [{ template: 'nope', name: '', datacenters: [] }] }, 'no templated policy has the name "nope"'],
  ])('is refused with %j: %s', async (input, message) => {
    await expect(all.admin.createToken('default', input)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as string }) as Error,
    );
  });

  it('refuses an id or secret that is in use as either of them', async () => {
    await all.admin.createToken('default', { accessorId: uuid(1), secret: uuid(2) });
    await expect(all.admin.createToken('default', { accessorId: uuid(1) })).rejects.toThrow('another token has this accessor id');
    await expect(all.admin.createToken('default', { accessorId: uuid(2) })).rejects.toThrow('another token has this accessor id');
    await expect(all.admin.createToken('default', { secret: uuid(2) })).rejects.toThrow('another token has this secret');
    await expect(all.admin.createToken('default', { secret: uuid(1) })).rejects.toThrow('another token has this secret');
  });

  it('merges duplicate links and identities', async () => {
    const { token } = await all.admin.createToken('default', {
      policies: [{ name: 'global-management' }, { id: managementPolicyId }],
      serviceIdentities: [
        { service: 'web', datacenters: ['b'] },
        { service: 'web', datacenters: ['a', 'b'] },
      ],
    });
    expect(token.policies).toEqual([managementPolicyId]);
    expect(token.serviceIdentities).toEqual([{ service: 'web', datacenters: ['a', 'b'] }]);
  });

  it('changes only what may change', async () => {
    const { token, secret } = await all.admin.createToken('default', { description: 'a', ttlMs: 60_000 });
    const id = token.accessorId;
    const changed = await all.admin.updateToken('default', id, { description: 'b', secret, roles: [], policies: [{ name: 'global-management' }] });
    expect(changed).toMatchObject({ description: 'b', policies: [managementPolicyId], expiresAtMs: token.expiresAtMs });
    expect(all.acl.resolve(secret).authorizer.allows('default', 'acl', 'read')).toBe(true);
    await expect(all.admin.updateToken('default', id, { secret: uuid(5) })).rejects.toThrow('the secret of a token cannot be changed');
    await expect(all.admin.updateToken('default', id, { local: true })).rejects.toThrow(`token ${id} cannot change whether it is local`);
    await expect(all.admin.updateToken('default', id, { ttlMs: 60_000 })).rejects.toThrow(`the expiry of token ${id} cannot be changed`);
    await expect(all.admin.updateToken('default', uuid(9), {})).rejects.toThrow(`no token has the id "${uuid(9)}"`);
    await expect(all.admin.updateToken('default', 'x', {})).rejects.toThrow('the id of the token is not a UUID');
  });

  it('is cloned with a new secret', async () => {
    const { token, secret } = await all.admin.createToken('default', { description: 'a', policies: [{ name: 'global-management' }] });
    const clone = await all.admin.cloneToken('default', token.accessorId);
    expect(clone.secret).not.toBe(secret);
    expect(clone.token).toMatchObject({ description: 'a', policies: [managementPolicyId] });
    expect(all.acl.resolve(clone.secret).accessorId).toBe(clone.token.accessorId);
    expect((await all.admin.cloneToken('default', token.accessorId, 'b')).token.description).toBe('b');
    await expect(all.admin.cloneToken('default', uuid(9))).rejects.toThrow('the token does not exist');
  });

  it('cannot delete itself, nor can the anonymous token be deleted', async () => {
    const { token, secret } = await all.admin.createToken('default', {});
    const caller = all.acl.resolve(secret);
    await expect(all.admin.deleteToken('default', token.accessorId, caller)).rejects.toThrow(
      'a request cannot delete its own token',
    );
    await expect(all.admin.deleteToken('default', anonymousAccessor)).rejects.toThrow('the anonymous token cannot be deleted');
    await expect(all.admin.deleteToken('default', 'x')).rejects.toThrow('the accessor id is missing or not a UUID');
    await expect(all.admin.deleteToken('default', uuid(9))).rejects.toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    await expect(all.admin.logout(caller)).rejects.toThrow('the token does not come from a login');
  });
});

describe('a policy', () => {
  it('is found by id and name, renamed and deleted', async () => {
    const { id } = await all.admin.putPolicy('default', { name: 'a', rules: 'acl = "read"' });
    await all.admin.putPolicy('default', { id, name: 'team/b', rules: 'acl = "read"' });
    expect(all.acl.store.policyByName('default', 'a')).toBeUndefined();
    expect(all.acl.store.policyByName('default', 'team/b')?.id).toBe(id);
    await all.admin.deletePolicy('default', id);
    expect(all.acl.store.policyByName('default', 'team/b')).toBeUndefined();
    await expect(all.admin.deletePolicy('default', id)).rejects.toThrow('the policy does not exist');
  });

  it.each([
    [{ name: '' }, 'the policy has no name'],
    [{ name: 'a b' }, 'the name of the policy is invalid: use only letters, digits, "-", "_" and one "/"'],
    [{ name: 'a/b/c' }, 'the name of the policy is invalid: use only letters, digits, "-", "_" and one "/"'],
    [{ name: 'builtin/x' }, 'the name of the policy starts with "/" or "builtin/", which are reserved'],
    [{ name: 'x'.repeat(129) }, 'the name of the policy has 129 characters, the limit is 128'],
    [{ name: 'a', id: 'x' }, 'the id of the policy is not a UUID'],
    [{ name: 'a', id: uuid(9) }, `no policy has the id "${uuid(9)}"`],
    [{ name: 'a', rules: 'key "a" {' }, 'the rules cannot be read: line 1, column 10: '],
    [{ name: 'global-management' }, 'another policy has the name "global-management"'],
    [
      { id: managementPolicyId, name: 'global-management', rules: 'acl = "read"' },
      'the rules of the built-in policy global-management cannot be changed',
    ],
  ])('is refused with %j: %s', async (input, message) => {
    await expect(all.admin.putPolicy('default', input)).rejects.toThrow(message);
  });

  it('that is built in can be renamed but not deleted', async () => {
    const rules = all.acl.store.policy('default', managementPolicyId)?.rules ?? '';
    await all.admin.putPolicy('default', { id: managementPolicyId, name: 'root', rules });
    await all.admin.initialise();
    expect(all.acl.store.policy('default', managementPolicyId)?.name).toBe('root');
    await expect(all.admin.deletePolicy('default', managementPolicyId)).rejects.toThrow('the built-in policy global-management cannot be deleted');
  });

  it('gives its name to one of many concurrent requests', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => all.admin.putPolicy('default', { name: 'same' })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('a role', () => {
  it('is found by id and name, and has a unique name', async () => {
    const { id } = await all.admin.putRole('default', { name: 'a', serviceIdentities: [{ service: 'web', datacenters: [] }] });
    expect(all.acl.store.roleByName('default', 'a')?.id).toBe(id);
    await expect(all.admin.putRole('default', { name: 'a' })).rejects.toThrow('another role has the name "a"');
    await expect(all.admin.putRole('default', { name: 'a/b' })).rejects.toThrow('the name of the role is invalid: use only ');
    await expect(all.admin.putRole('default', { name: '' })).rejects.toThrow('the role has no name');
    await expect(all.admin.putRole('default', { id: uuid(9), name: 'x' })).rejects.toThrow(`no role has the id "${uuid(9)}"`);
    await all.admin.deleteRole('default', id);
    await expect(all.admin.deleteRole('default', id)).rejects.toThrow('the role does not exist');
  });
});
