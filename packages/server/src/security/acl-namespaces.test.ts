/** Tokens, policies, roles, auth methods and binding rules belong to one namespace and grant nothing outside of it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from './acl.ts';
import { secured, type Secured } from './security.case.ts';
import { anonymousAccessor } from './well-known.ts';

const uuid = (n: number) => `30000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

let all: Secured;
beforeEach(async () => {
  all = await secured();
  for (const name of ['team-a', 'team-b']) await all.replica.submit({ kind: 'namespace-put', name });
});
afterEach(() => all.close());

/** A token of a namespace with these rules, in a policy of the same namespace. */
async function tokenIn(namespace: string, rules: string): Promise<Caller> {
  const { id } = await all.admin.putPolicy(namespace, { name: `p-${all.acl.store.policies(namespace).length}`, rules });
  const { secret } = await all.admin.createToken(namespace, { policies: [{ id }] });
  return all.acl.resolve(secret);
}

const keys = 'key_prefix "" { policy = "write" }';

describe('a token of a namespace', () => {
  it('has the rights of its policies there and no rights elsewhere', async () => {
    const caller = await tokenIn('team-a', keys);
    expect(caller.namespace).toBe('team-a');
    for (const [namespace, allowed] of [['team-a', true], ['default', false], ['team-b', false]] as const) {
      expect(caller.authorizer.allows(namespace, 'key', 'write', 'a')).toBe(allowed);
    }
  });

  it('shares its rules with other tokens of its namespace only, even if their texts are equal', async () => {
    const { id } = await all.admin.putPolicy('team-a', { name: 'keys', rules: keys });
    const other = await all.admin.putPolicy('team-b', { name: 'keys', rules: keys });
    const [one, two] = await Promise.all([1, 2].map(() => all.admin.createToken('team-a', { policies: [{ id }] })));
    const three = await all.admin.createToken('team-b', { policies: [{ id: other.id }] });
    const authorizerOf = ({ secret }: { secret: string }) => all.acl.resolve(secret).authorizer;
    expect(authorizerOf(one as never)).toBe(authorizerOf(two as never));
    expect(authorizerOf(three)).not.toBe(authorizerOf(one as never));
  });

  it('links policies and roles of its namespace only', async () => {
    const { id } = await all.admin.putPolicy('default', { name: 'keys', rules: keys });
    const role = await all.admin.putRole('team-b', { name: 'ops' });
    await expect(all.admin.createToken('team-a', { policies: [{ id }] })).rejects.toThrow(`no policy has the id "${id}"`);
    await expect(all.admin.createToken('team-a', { policies: [{ name: 'keys' }] })).rejects.toThrow('no policy has the name "keys"');
    await expect(all.admin.createToken('team-a', { roles: [{ id: role.id }] })).rejects.toThrow(`no role has the id "${role.id}"`);
    await expect(all.admin.putRole('team-a', { name: 'ops', policies: [{ id }] })).rejects.toThrow('no policy has the id');
  });

  it('has a service identity for its own namespace, and cannot have a node identity', async () => {
    const { secret } = await all.admin.createToken('team-a', { serviceIdentities: [{ service: 'web', datacenters: [] }] });
    const { authorizer } = all.acl.resolve(secret);
    expect([authorizer.allows('team-a', 'service', 'write', 'web'), authorizer.allows('default', 'service', 'read', 'web')]).toEqual([true, false]);
    const node = { nodeIdentities: [{ node: 'n', datacenter: 'dc1' }] };
    const message = 'a token of the namespace "team-a" cannot have node identities, since all namespaces share nodes; give them in "default"';
    await expect(all.admin.createToken('team-a', node)).rejects.toThrow(message);
    await expect(all.admin.putRole('team-a', { name: 'n', ...node })).rejects.toThrow('a role of the namespace "team-a" cannot');
  });

  it('is found, changed and deleted in its own namespace only', async () => {
    const { token } = await all.admin.createToken('team-a', {});
    const { accessorId } = token;
    expect(all.acl.store.token('default', accessorId)).toBeUndefined();
    expect(all.acl.store.token('team-a', accessorId)?.namespace).toBe('team-a');
    expect(all.acl.store.tokenAnywhere(accessorId)?.namespace).toBe('team-a');
    await expect(all.admin.updateToken('default', accessorId, {})).rejects.toThrow('no token has the id');
    await expect(all.admin.cloneToken('team-b', accessorId)).rejects.toThrow('the token does not exist');
    await expect(all.admin.deleteToken('default', accessorId)).rejects.toThrow('the token does not exist');
    await all.admin.deleteToken('team-a', accessorId);
    expect(all.acl.store.tokenAnywhere(accessorId)).toBeUndefined();
  });

  it('has an accessor id and a secret that no token of another namespace has', async () => {
    await all.admin.createToken('team-a', { accessorId: uuid(1), secret: uuid(2) });
    for (const namespace of ['default', 'team-a', 'team-b']) {
      await expect(all.admin.createToken(namespace, { accessorId: uuid(1) })).rejects.toThrow('another token has this accessor id');
      await expect(all.admin.createToken(namespace, { secret: uuid(2) })).rejects.toThrow('another token has this secret');
    }
  });

  it('is refused after its expiry, and then removed from its namespace', async () => {
    const { secret, token } = await all.admin.createToken('team-a', { ttlMs: 60_000 });
    all.clock.advance(60_000);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret');
    all.clock.advance(1_000);
    expect(all.expired).toEqual([token.accessorId]);
    await all.admin.removeExpired(all.expired);
    expect(all.acl.store.tokens('team-a')).toEqual([]);
  });
});

describe('a request without a token', () => {
  it('has the rights that the anonymous token has in the namespace of the request', async () => {
    const { id } = await all.admin.putPolicy('default', { name: 'open', rules: 'namespace "team-a" { service_prefix "" { policy = "read" } }' });
    await all.admin.updateToken('default', anonymousAccessor, { policies: [{ id }] });
    const { authorizer } = all.acl.resolve(undefined);
    expect([authorizer.allows('team-a', 'service', 'read', 'web'), authorizer.allows('default', 'service', 'read', 'web')]).toEqual([true, false]);
  });
});

describe('names', () => {
  it('are unique in one namespace, but may be used again in another', async () => {
    const a = await all.admin.putPolicy('team-a', { name: 'keys', rules: keys });
    const b = await all.admin.putPolicy('team-b', { name: 'keys', rules: keys });
    await expect(all.admin.putPolicy('team-a', { name: 'keys' })).rejects.toThrow('another policy has the name "keys"');
    expect(all.acl.store.policyByName('team-a', 'keys')?.id).toBe(a.id);
    expect(all.acl.store.policyByName('team-b', 'keys')?.id).toBe(b.id);
    expect(all.acl.store.policyByName('default', 'keys')).toBeUndefined();
    await all.admin.putRole('team-a', { name: 'ops' });
    await all.admin.putRole('team-b', { name: 'ops' });
    await expect(all.admin.putRole('team-b', { name: 'ops' })).rejects.toThrow('another role has the name "ops"');
    // The built-in policies are in the default namespace.
    await expect(all.admin.putPolicy('team-a', { name: 'global-management' })).resolves.toMatchObject({ namespace: 'team-a' });
  });

  it('of policies that were renamed or deleted are free again in their own namespace', async () => {
    const { id } = await all.admin.putPolicy('team-a', { name: 'one' });
    expect(all.acl.store.policyByName('team-a', 'one')?.id).toBe(id);
    await all.admin.putPolicy('team-a', { id, name: 'two' });
    expect(all.acl.store.policyByName('team-a', 'one')).toBeUndefined();
    await all.admin.deletePolicy('team-a', id);
    expect(all.acl.store.policyByName('team-a', 'two')).toBeUndefined();
  });
});

describe('a policy of a namespace', () => {
  it('is refused if it has rules for shared resources or for another namespace', async () => {
    for (const rules of ['operator = "read"', 'node "n" { policy = "write" }', 'namespace "team-b" { policy = "read" }']) {
      await expect(all.admin.putPolicy('team-a', { name: 'p', rules })).rejects.toThrow(/^a policy of the namespace "team-a"/);
    }
  });

  it('changes permissions in that namespace only, but in all of them if it is a policy of the default namespace', async () => {
    const told: string[] = [];
    const callers = { a: await tokenIn('team-a', keys), b: await tokenIn('team-b', keys), root: await tokenIn('default', keys) };
    for (const [name, caller] of Object.entries(callers)) all.acl.onChange(caller, () => told.push(name));
    const b = all.acl.refresh(callers.b);
    await all.admin.putPolicy('team-a', { name: 'more', rules: 'acl = "read"' });
    expect(told.splice(0)).toEqual(['a']);
    // The callers of other namespaces are still cached.
    expect(all.acl.refresh(callers.b)).toBe(b);
    await all.admin.putPolicy('default', { name: 'more', rules: 'acl = "read"' });
    expect(told).toEqual(['a', 'b', 'root']);
  });
});

describe('policies that a namespace adds to its tokens', () => {
  it('decide where the rules of a token are silent, at once, and only for tokens of that namespace', async () => {
    const rules = 'namespace "team-a" { service_prefix "" { policy = "write" } key_prefix "" { policy = "deny" } } service_prefix "" { policy = "read" }';
    const { id } = await all.admin.putPolicy('default', { name: 'shared', rules });
    const ops = await all.admin.putRole('default', { name: 'ops', policies: [{ id }] });
    const [a, b] = [await tokenIn('team-a', keys), await tokenIn('team-b', keys)];
    let told = 0;
    all.acl.onChange(a, () => told++);
    await all.admin.putNamespaceDefaults('team-a', { policies: [{ name: 'shared' }], roles: [{ name: 'ops' }] });
    expect(told).toBe(1);
    expect(all.acl.store.namespaceDefaults('team-a')).toMatchObject({ policies: [id], roles: [ops.id] });
    const now = all.acl.refresh(a).authorizer;
    expect(now.allows('team-a', 'service', 'write', 'web')).toBe(true);
    expect(now.allows('default', 'service', 'read', 'web')).toBe(true);
    // The token's own rule for keys decides.
    expect(now.allows('team-a', 'key', 'write', 'a')).toBe(true);
    expect(all.acl.refresh(b).authorizer.allows('default', 'service', 'read', 'web')).toBe(false);
    await all.admin.putNamespaceDefaults('team-a', { policies: [], roles: [] });
    expect(all.acl.refresh(a).authorizer.allows('default', 'service', 'read', 'web')).toBe(false);
  });

  it('must exist in the default namespace', async () => {
    await all.admin.putPolicy('team-a', { name: 'own' });
    await expect(all.admin.putNamespaceDefaults('team-a', { policies: [{ name: 'own' }], roles: [] })).rejects.toThrow('no policy has the name "own"');
    await expect(all.admin.putNamespaceDefaults('team-a', { policies: [], roles: [{ name: 'own' }] })).rejects.toThrow('no role has the name "own"');
  });
});

describe('the management policy of a new namespace', () => {
  it('lets its tokens manage everything in it, and nothing outside', async () => {
    await all.admin.addManagementPolicy('team-a');
    await all.admin.addManagementPolicy('team-a');
    const { secret } = await all.admin.createToken('team-a', { policies: [{ name: 'namespace-management' }] });
    const { authorizer } = all.acl.resolve(secret);
    for (const resource of ['acl', 'key', 'service', 'session', 'query', 'identity', 'intention'] as const) {
      expect([authorizer.allows('team-a', resource, 'write', 'x'), authorizer.allows('default', resource, 'read', 'x')], resource).toEqual([true, false]);
    }
    expect([authorizer.allows('team-a', 'node', 'read', 'n'), authorizer.allows('team-a', 'node', 'write', 'n')]).toEqual([true, false]);
    expect(authorizer.allows('team-a', 'operator', 'read')).toBe(false);
    expect([authorizer.allowsNamespace('team-a', 'read'), authorizer.allowsNamespace('team-b', 'read')]).toEqual([true, false]);
  });
});

describe('a denial', () => {
  it('is counted for, and names, the namespace of the request', async () => {
    const caller = await tokenIn('team-a', keys);
    expect(() => all.acl.authorize(caller, 'team-b', 'key', 'read', 'a')).toThrow(`lacks permission 'key:read' on "a" in namespace "team-b"`);
    expect(() => all.acl.authorizeNamespace(caller, 'team-b', 'write')).toThrow(`lacks permission 'operator:write'`);
    expect(all.denials.map(({ namespace, resource }) => [namespace, resource])).toEqual([['team-b', 'key'], ['default', 'operator']]);
  });
});

describe('the deletion of a namespace', () => {
  it('deletes its tokens, policies, roles, auth methods and defaults, and calls listeners at once', async () => {
    const [caller, other] = [await tokenIn('team-a', keys), await tokenIn('team-b', keys)];
    await all.admin.putRole('team-a', { name: 'ops' });
    const { id } = await all.admin.putPolicy('default', { name: 'shared' });
    await all.admin.putNamespaceDefaults('team-a', { policies: [{ id }], roles: [] });
    let told = 0;
    all.acl.onChange(caller, () => told++);
    await all.replica.submit({ kind: 'namespace-delete', name: 'team-a' });
    expect(told).toBeGreaterThan(0);
    expect(() => all.acl.refresh(caller)).toThrow('no token has this secret');
    expect(all.acl.refresh(other).authorizer.allows('team-b', 'key', 'write', 'a')).toBe(true);
    const { store } = all.acl;
    expect([store.tokens('team-a'), store.policies('team-a'), store.roles('team-a'), store.hasNamespace('team-a')]).toEqual([[], [], [], false]);
    expect(store.namespaceDefaults('team-a')).toMatchObject({ policies: [], roles: [] });
    expect(store.tokenAnywhere(caller.accessorId)).toBeUndefined();
    await expect(all.admin.createToken('team-a', {})).rejects.toThrow('namespace "team-a" does not exist; create it first');
    // A later namespace of the same name starts empty.
    await all.replica.submit({ kind: 'namespace-put', name: 'team-a' });
    expect(() => all.acl.refresh(caller)).toThrow('no token has this secret');
    expect(store.policyByName('team-a', 'p-0')).toBeUndefined();
  });
});
