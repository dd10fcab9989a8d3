/** Writes of access control: what is kept, what is refused and how, and what happens once only. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { find } from '../registry/reader.ts';
import { hashSecret, recordTypes } from './records.ts';
import { secured, type Secured } from './security.case.ts';
import { anonymousAccessor, builtinPolicies, managementPolicyId } from './templates.ts';

let all: Secured;
beforeEach(async () => {
  all = await secured();
});
afterEach(() => all.close());

const uuid = (n: number) => `20000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
/** Everything that access control keeps, as text. */
const kept = () =>
  Object.values(recordTypes)
    .flatMap((type) => [...find.records(all.replica.state, 'default', type)])
    .map((row) => JSON.stringify(row))
    .join('\n');

describe('the start', () => {
  it('makes the built-in policies and the anonymous token, once', async () => {
    expect(all.acl.store.policies().map(({ id }) => id).sort()).toEqual(builtinPolicies.map(({ id }) => id));
    expect(all.acl.store.token(anonymousAccessor)?.description).toBe('Anonymous Token');
    const { revision } = all.replica.state;
    await all.admin.initialise();
    expect(all.replica.state.revision).toBe(revision);
  });

  it('makes a management token of any secret in the configuration, which ends the time for a bootstrap', async () => {
    await all.admin.initialise('root');
    const caller = all.acl.resolve('root');
    expect(caller.authorizer.allows('default', 'acl', 'write')).toBe(true);
    expect(kept()).not.toContain('root');
    await expect(all.admin.bootstrap()).rejects.toThrow('ACL bootstrap no longer allowed');
    const { revision } = all.replica.state;
    await all.admin.initialise('root');
    expect(all.replica.state.revision).toBe(revision);
  });
});

describe('the bootstrap', () => {
  it('gives a management token, once', async () => {
    const { token, secret } = await all.admin.bootstrap();
    expect(all.acl.resolve(secret).authorizer.allows('default', 'acl', 'write')).toBe(true);
    expect(token).toMatchObject({ description: 'Bootstrap Token (Global Management)', policies: [managementPolicyId] });
    const index = all.acl.store.bootstrapRevision();
    await expect(all.admin.bootstrap()).rejects.toThrow(
      expect.objectContaining({
        code: 'permission_denied',
        message: `Permission denied: ACL bootstrap no longer allowed (reset index: ${index})`,
      }) as Error,
    );
  });

  it('gives one token to many who ask at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => all.admin.bootstrap()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(all.acl.store.tokens()).toHaveLength(2);
  });

  it('works again after a reset with the right index', async () => {
    await all.admin.bootstrap();
    const index = all.acl.store.bootstrapRevision();
    all.reset = index + 1;
    await expect(all.admin.bootstrap()).rejects.toThrow(
      `Invalid bootstrap reset index (specified ${index + 1}, reset index: ${index})`,
    );
    all.reset = index;
    const { secret } = await all.admin.bootstrap();
    expect(all.acl.resolve(secret).authorizer.allows('default', 'acl', 'write')).toBe(true);
    await expect(all.admin.bootstrap()).rejects.toThrow('Invalid bootstrap reset index');
  });

  it('takes a secret of the caller’s choice, if it is a free UUID', async () => {
    await expect(all.admin.bootstrap('root')).rejects.toThrow('not a valid UUID');
    await all.admin.createToken({ secret: uuid(1) });
    await expect(all.admin.bootstrap(uuid(1))).rejects.toThrow('a token with that secret already exists');
    expect((await all.admin.bootstrap(uuid(2))).secret).toBe(uuid(2));
  });
});

describe('a token', () => {
  it('may hold for years, and no longer than that', async () => {
    const fiveYearsMs = 5 * 365 * 86_400_000;
    const { secret, token } = await all.admin.createToken({ ttlMs: fiveYearsMs });
    expect(token.expiresAtMs).toBe(all.clock.now() + fiveYearsMs);
    all.clock.advance(fiveYearsMs - 1);
    expect(all.acl.resolve(secret).accessorId).toBe(token.accessorId);
    all.clock.advance(1);
    expect(() => all.acl.resolve(secret)).toThrow('ACL not found');
  });

  it('is kept without its secret', async () => {
    const { secret, token } = await all.admin.createToken({ description: 'mine', secret: uuid(1), accessorId: uuid(2) });
    expect([secret, token.accessorId]).toEqual([uuid(1), uuid(2)]);
    expect(kept()).not.toContain(uuid(1));
    expect(kept()).toContain(hashSecret(uuid(1)));
  });

  it.each([
    [{ accessorId: 'x' }, 'Invalid Token: AccessorID - not a valid UUID'],
    [{ secret: 'x' }, 'Invalid Token: SecretID - not a valid UUID'],
    [
      { accessorId: '00000000-0000-0000-0000-000000000009' },
      'Invalid Token: AccessorID - UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved',
    ],
    [{ ttlMs: -1_000 }, "Token Expiration TTL '-1s' should be > 0"],
    [{ ttlMs: 60_000, expiresAtMs: 1 }, 'Token Expiration TTL and Expiration Time cannot both be set'],
    [{ expiresAtMs: 1 }, 'ExpirationTime cannot be before CreateTime'],
    [{ ttlMs: 10_500 }, 'ExpirationTime cannot be less than 1m0s in the future (was 10.5s)'],
    [{ policies: [{ id: uuid(9) }] }, `No such ACL policy with ID "${uuid(9)}"`],
    [{ policies: [{ name: 'nope' }] }, 'No such ACL policy with name "nope"'],
    [{ roles: [{ name: 'nope' }] }, 'No such ACL role with name "nope"'],
    [{ serviceIdentities: [{ service: '', datacenters: [] }] }, 'Service identity is missing the service name field on this token'],
    [{ serviceIdentities: [{ service: 'Web', datacenters: [] }] }, 'Service identity "Web" has an invalid name.'],
    [
      { local: true, serviceIdentities: [{ service: 'web', datacenters: ['dc1'] }] },
      'Service identity "web" cannot specify a list of datacenters on a local token',
    ],
    [{ nodeIdentities: [{ node: '', datacenter: 'dc1' }] }, 'Node identity is missing the node name field on this token'],
    [{ nodeIdentities: [{ node: 'n', datacenter: '' }] }, 'Node identity is missing the datacenter field on this token'],
    [{ templatedPolicies: [{ template: 'nope', name: '', datacenters: [] }] }, 'no such ACL templated policy'],
  ])('is refused with %j: %s', async (input, message) => {
    await expect(all.admin.createToken(input)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as string }) as Error,
    );
  });

  it('does not take ids that are in use, of whatever kind', async () => {
    await all.admin.createToken({ accessorId: uuid(1), secret: uuid(2) });
    await expect(all.admin.createToken({ accessorId: uuid(1) })).rejects.toThrow('AccessorID is already in use');
    await expect(all.admin.createToken({ accessorId: uuid(2) })).rejects.toThrow('AccessorID is already in use');
    await expect(all.admin.createToken({ secret: uuid(2) })).rejects.toThrow('SecretID is already in use');
    await expect(all.admin.createToken({ secret: uuid(1) })).rejects.toThrow('SecretID is already in use');
  });

  it('merges what says the same twice', async () => {
    const { token } = await all.admin.createToken({
      policies: [{ name: 'global-management' }, { id: managementPolicyId }],
      serviceIdentities: [
        { service: 'web', datacenters: ['b'] },
        { service: 'web', datacenters: ['a', 'b'] },
      ],
    });
    expect(token.policies).toEqual([managementPolicyId]);
    expect(token.serviceIdentities).toEqual([{ service: 'web', datacenters: ['a', 'b'] }]);
  });

  it('is changed in what may change', async () => {
    const { token, secret } = await all.admin.createToken({ description: 'a', ttlMs: 60_000 });
    const id = token.accessorId;
    const changed = await all.admin.updateToken(id, { description: 'b', secret, roles: [], policies: [{ name: 'global-management' }] });
    expect(changed).toMatchObject({ description: 'b', policies: [managementPolicyId], expiresAtMs: token.expiresAtMs });
    expect(all.acl.resolve(secret).authorizer.allows('default', 'acl', 'read')).toBe(true);
    await expect(all.admin.updateToken(id, { secret: uuid(5) })).rejects.toThrow("Changing a token's SecretID is not permitted");
    await expect(all.admin.updateToken(id, { local: true })).rejects.toThrow(`Cannot toggle local mode of ${id}`);
    await expect(all.admin.updateToken(id, { ttlMs: 60_000 })).rejects.toThrow(`Cannot change expiration time of ${id}`);
    await expect(all.admin.updateToken(uuid(9), {})).rejects.toThrow(`Cannot find token "${uuid(9)}"`);
    await expect(all.admin.updateToken('x', {})).rejects.toThrow('AccessorID is not a valid UUID');
  });

  it('is cloned with a secret of its own', async () => {
    const { token, secret } = await all.admin.createToken({ description: 'a', policies: [{ name: 'global-management' }] });
    const clone = await all.admin.cloneToken(token.accessorId);
    expect(clone.secret).not.toBe(secret);
    expect(clone.token).toMatchObject({ description: 'a', policies: [managementPolicyId] });
    expect(all.acl.resolve(clone.secret).accessorId).toBe(clone.token.accessorId);
    expect((await all.admin.cloneToken(token.accessorId, 'b')).token.description).toBe('b');
    await expect(all.admin.cloneToken(uuid(9))).rejects.toThrow('token does not exist: ACL not found');
  });

  it('is not deleted by itself, nor is the anonymous one', async () => {
    const { token, secret } = await all.admin.createToken({});
    const caller = all.acl.resolve(secret);
    await expect(all.admin.deleteToken(token.accessorId, caller)).rejects.toThrow(
      "Deletion of the request's authorization token is not permitted",
    );
    await expect(all.admin.deleteToken(anonymousAccessor)).rejects.toThrow('not permitted on the anonymous token');
    await expect(all.admin.deleteToken('x')).rejects.toThrow('Accessor ID is missing or an invalid UUID');
    await expect(all.admin.deleteToken(uuid(9))).rejects.toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    await expect(all.admin.logout(caller)).rejects.toThrow("token wasn't created via login");
  });
});

describe('a policy', () => {
  it('is found by id and name, renamed and deleted', async () => {
    const { id } = await all.admin.putPolicy({ name: 'a', rules: 'acl = "read"' });
    await all.admin.putPolicy({ id, name: 'team/b', rules: 'acl = "read"' });
    expect(all.acl.store.policyByName('a')).toBeUndefined();
    expect(all.acl.store.policyByName('team/b')?.id).toBe(id);
    await all.admin.deletePolicy(id);
    expect(all.acl.store.policyByName('team/b')).toBeUndefined();
    await expect(all.admin.deletePolicy(id)).rejects.toThrow('policy does not exist: ACL not found');
  });

  it.each([
    [{ name: '' }, 'Invalid Policy: no Name is set'],
    [{ name: 'a b' }, "Only alphanumeric characters, a single '/', '-' and '_' are allowed"],
    [{ name: 'a/b/c' }, "a single '/'"],
    [{ name: 'builtin/x' }, "Names cannot be prefixed with '/' or 'builtin/'"],
    [{ name: 'x'.repeat(129) }, 'Length must be greater than 0 and less than 128'],
    [{ name: 'a', id: 'x' }, 'Policy ID invalid UUID'],
    [{ name: 'a', id: uuid(9) }, `cannot find policy ${uuid(9)}`],
    [{ name: 'a', rules: 'key "a" {' }, 'Failed to parse ACL rules: At 1:10'],
    [{ name: 'global-management' }, 'Invalid Policy: A Policy with Name "global-management" already exists'],
    [
      { id: managementPolicyId, name: 'global-management', rules: 'acl = "read"' },
      'Changing the Rules for the builtin global-management policy is not permitted',
    ],
  ])('is refused with %j: %s', async (input, message) => {
    await expect(all.admin.putPolicy(input)).rejects.toThrow(message);
  });

  it('that is built in may be renamed, not deleted', async () => {
    const rules = all.acl.store.policy(managementPolicyId)?.rules ?? '';
    await all.admin.putPolicy({ id: managementPolicyId, name: 'root', rules });
    await all.admin.initialise();
    expect(all.acl.store.policy(managementPolicyId)?.name).toBe('root');
    await expect(all.admin.deletePolicy(managementPolicyId)).rejects.toThrow('not permitted on the builtin');
  });

  it('keeps its name for itself among many who want it at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => all.admin.putPolicy({ name: 'same' })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('a role', () => {
  it('is found by id and name, and keeps its name for itself', async () => {
    const { id } = await all.admin.putRole({ name: 'a', serviceIdentities: [{ service: 'web', datacenters: [] }] });
    expect(all.acl.store.roleByName('a')?.id).toBe(id);
    await expect(all.admin.putRole({ name: 'a' })).rejects.toThrow('Invalid Role: A Role with Name "a" already exists');
    await expect(all.admin.putRole({ name: 'a/b' })).rejects.toThrow('Invalid Role: invalid Name.');
    await expect(all.admin.putRole({ name: '' })).rejects.toThrow('Invalid Role: no Name is set');
    await expect(all.admin.putRole({ id: uuid(9), name: 'x' })).rejects.toThrow(`cannot find role ${uuid(9)}`);
    await all.admin.deleteRole(id);
    await expect(all.admin.deleteRole(id)).rejects.toThrow('role does not exist: ACL not found');
  });
});
