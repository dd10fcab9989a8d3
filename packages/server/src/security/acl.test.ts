/** The caller of a secret and its permissions, which follow every change at once. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Acl, type Caller } from './acl.ts';
import { hashSecret } from './records.ts';
import { secured, type Secured } from './security.case.ts';
import { anonymousAccessor } from './well-known.ts';

let all: Secured;
beforeEach(async () => {
  all = await secured();
});
afterEach(() => all.close());

async function tokenWith(rules: string, name = 'p'): Promise<{ secret: string; accessorId: string; policyId: string }> {
  const policy = await all.admin.putPolicy('default', { name, rules });
  const { secret, token } = await all.admin.createToken('default', { policies: [{ id: policy.id }] });
  return { secret, accessorId: token.accessorId, policyId: policy.id };
}

describe('resolving', () => {
  it('finds a token by its secret and gives it the rights of its policies', async () => {
    const { secret, accessorId } = await tokenWith('key_prefix "app/" { policy = "write" }');
    const caller = all.acl.resolve(secret);
    expect(caller.accessorId).toBe(accessorId);
    expect(caller.authorizer.allows('default', 'key', 'write', 'app/x')).toBe(true);
    expect(caller.authorizer.allows('default', 'key', 'read', 'other')).toBe(false);
    // Nothing has changed, so the caller is not computed again.
    expect(all.acl.resolve(secret)).toBe(caller);
  });

  it.each([undefined, ''])('gives %j the anonymous token', (secret) => {
    expect(all.acl.resolve(secret).accessorId).toBe(anonymousAccessor);
  });

  it.each(['nope', '10000000-0000-4000-8000-999999999999', anonymousAccessor, hashSecret('anonymous')])(
    'does not know %s',
    (secret) => {
      expect(() => all.acl.resolve(secret)).toThrow(
        expect.objectContaining({ code: 'unauthenticated', message: 'no token has this secret, or the token has expired' }) as Error,
      );
    },
  );

  it('uses a configured token for requests without one, also a token that is set later', async () => {
    const { secret, accessorId } = await tokenWith('');
    const other = await secured({ defaultToken: 'root', initialManagement: 'root' });
    expect(other.acl.resolve(undefined).authorizer.allows('default', 'acl', 'write')).toBe(true);
    await other.close();
    all.acl.setDefaultToken(secret);
    expect(all.acl.resolve(undefined).accessorId).toBe(accessorId);
    all.acl.setDefaultToken(undefined);
    expect(all.acl.resolve(undefined).accessorId).toBe(anonymousAccessor);
  });

  it('shares one authorizer among tokens with the same policies', async () => {
    const { secret, policyId } = await tokenWith('operator = "read"');
    const { secret: another } = await all.admin.createToken('default', { policies: [{ name: 'p' }, { id: policyId }] });
    expect(all.acl.resolve(another).authorizer).toBe(all.acl.resolve(secret).authorizer);
  });

  it('adds the rules of policies, roles, identities and templates', async () => {
    await all.admin.putPolicy('default', { name: 'keys', rules: 'key "k" { policy = "read" }' });
    await all.admin.putRole('default', {
      name: 'ops',
      policies: [{ name: 'keys' }],
      nodeIdentities: [{ node: 'n1', datacenter: 'dc1' }],
    });
    const { secret } = await all.admin.createToken('default', {
      roles: [{ name: 'ops' }],
      serviceIdentities: [{ service: 'web', datacenters: [] }],
      templatedPolicies: [{ template: 'builtin/dns', name: '', datacenters: [] }],
    });
    const { authorizer } = all.acl.resolve(secret);
    expect(authorizer.allows('default', 'key', 'read', 'k')).toBe(true);
    expect(authorizer.allows('default', 'node', 'write', 'n1')).toBe(true);
    expect(authorizer.allows('default', 'service', 'write', 'web')).toBe(true);
    expect(authorizer.allows('default', 'query', 'read', 'q')).toBe(true);
    expect(authorizer.allows('default', 'operator', 'read')).toBe(false);
  });

  it('ignores rules for other datacenters', async () => {
    const policy = await all.admin.putPolicy('default', { name: 'far', rules: 'operator = "write"', datacenters: ['dc2'] });
    const { secret } = await all.admin.createToken('default', {
      policies: [{ id: policy.id }],
      serviceIdentities: [{ service: 'web', datacenters: ['dc2'] }],
      nodeIdentities: [{ node: 'n1', datacenter: 'dc2' }],
    });
    const { authorizer } = all.acl.resolve(secret);
    expect(authorizer.allows('default', 'operator', 'read')).toBe(false);
    expect(authorizer.allows('default', 'service', 'read', 'web')).toBe(false);
    expect(authorizer.allows('default', 'node', 'read', 'n1')).toBe(false);
  });

  it('refuses a caller whose policy cannot be read, since it may contain a denial', async () => {
    const { secret, policyId } = await tokenWith('');
    const value = { name: 'p', description: '', rules: 'key "a" {', datacenters: [] };
    await all.replica.submit({ kind: 'record-put', namespace: 'default', type: 'acl-policy', id: policyId, value });
    expect(() => all.acl.resolve(secret)).toThrow(/^the rules of policy .* cannot be read/);
  });
});

describe('a change', () => {
  it('of a policy counts for the next question and calls the listeners of its tokens', async () => {
    const { secret, policyId } = await tokenWith('key "k" { policy = "read" }');
    const caller = all.acl.resolve(secret);
    let told = 0;
    all.acl.onChange(caller, () => {
      told++;
      expect(all.acl.refresh(caller).authorizer.allows('default', 'key', 'read', 'k')).toBe(false);
    });
    await all.admin.putPolicy('default', { id: policyId, name: 'p', rules: 'key "k" { policy = "deny" }' });
    expect(told).toBe(1);
    expect(all.acl.resolve(secret).authorizer.allows('default', 'key', 'read', 'k')).toBe(false);
  });

  it('of a role, or its deletion, reaches the tokens that have it', async () => {
    const policy = await all.admin.putPolicy('default', { name: 'p', rules: 'operator = "write"' });
    const role = await all.admin.putRole('default', { name: 'r', policies: [] });
    const { secret } = await all.admin.createToken('default', { roles: [{ id: role.id }] });
    expect(all.acl.resolve(secret).authorizer.allows('default', 'operator', 'read')).toBe(false);
    await all.admin.putRole('default', { id: role.id, name: 'r', policies: [{ id: policy.id }] });
    expect(all.acl.resolve(secret).authorizer.allows('default', 'operator', 'read')).toBe(true);
    await all.admin.deleteRole('default', role.id);
    expect(all.acl.resolve(secret).authorizer.allows('default', 'operator', 'read')).toBe(false);
  });

  it('of a token calls the listeners of that token only; a deleted token is unknown at once', async () => {
    const { secret, accessorId } = await tokenWith('');
    const { secret: other } = await all.admin.createToken('default', {});
    const callers = [all.acl.resolve(secret), all.acl.resolve(other), all.acl.resolve(undefined)];
    const told = [0, 0, 0];
    const stops = callers.map((caller, index) => all.acl.onChange(caller, () => told[index]!++));
    await all.admin.deleteToken('default', accessorId);
    expect(told).toEqual([1, 0, 0]);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
    expect(() => all.acl.refresh(callers[0] as Caller)).toThrow('no token has this secret, or the token has expired');
    expect(all.acl.refresh(callers[1] as Caller)).toBe(callers[1]);
    for (const stop of [...stops, ...stops]) stop();
    await all.admin.putPolicy('default', { name: 'another' });
    expect(told).toEqual([1, 0, 0]);
  });

  it('calls every listener, even if one of them removes itself', async () => {
    const { secret, accessorId } = await tokenWith('');
    const caller = all.acl.resolve(secret);
    let told = 0;
    const listener = () => {
      told++;
      stop();
    };
    const stop = all.acl.onChange(caller, listener);
    all.acl.onChange(caller, listener);
    await all.admin.updateToken('default', accessorId, { description: 'x' });
    expect(told).toBe(2);
    await all.admin.updateToken('default', accessorId, { description: 'y' });
    expect(told).toBe(3);
  });

  it('of other records is ignored', async () => {
    let calls = 0;
    all.acl.onChange(all.acl.resolve(undefined), () => calls++);
    await all.admin.createToken('default', {});
    await all.replica.submit({ kind: 'record-put', namespace: '', type: 'server', id: 'x', value: 1 });
    await all.replica.submit({ kind: 'kv-put', namespace: 'default', key: 'k', value: new Uint8Array(), flags: 0n });
    expect(calls).toBe(0);
  });

  it('is loaded by a node that starts later', async () => {
    const { secret, accessorId } = await tokenWith('');
    const later = new Acl({
      registry: all.replica,
      clock: all.clock,
      config: { enabled: true, defaultPolicy: 'deny', datacenter: 'dc1' },
    });
    later.start();
    expect(later.resolve(secret).accessorId).toBe(accessorId);
  });
});

describe('the expiry of a token', () => {
  it('ends its rights to the millisecond, calls its listeners within a second, and reports it for removal', async () => {
    all.clock.advance(300);
    const { secret, token } = await all.admin.createToken('default', { ttlMs: 60_000 });
    const { secret: longer } = await all.admin.createToken('default', { ttlMs: 7_200_000 });
    const callers = [all.acl.resolve(secret), all.acl.resolve(longer)];
    const told = [0, 0];
    callers.forEach((caller, index) => all.acl.onChange(caller, () => told[index]!++));
    all.clock.advance(59_999);
    expect(all.acl.resolve(secret)).toBe(callers[0]);
    all.clock.advance(1);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
    all.clock.advance(1_000);
    expect(told).toEqual([1, 0]);
    expect(all.expired).toEqual([token.accessorId]);
    await all.admin.removeExpired(all.expired);
    expect(all.acl.store.token('default', token.accessorId)).toBeUndefined();
    all.clock.advance(7_140_000);
    expect(() => all.acl.resolve(longer)).toThrow('no token has this secret, or the token has expired');
    expect(told[1]).toBe(1);
  });

  it('is not reported for a token that was deleted before', async () => {
    const { token } = await all.admin.createToken('default', { ttlMs: 60_000 });
    await all.admin.deleteToken('default', token.accessorId);
    all.clock.advance(120_000);
    expect(all.expired).toEqual([]);
  });
});

describe('authorize', () => {
  it('names the caller, the missing permission and the namespace', async () => {
    const { secret, accessorId } = await tokenWith('service "web" { policy = "read" }');
    const caller = all.acl.resolve(secret);
    const said = (act: () => void) => {
      try {
        act();
      } catch (error) {
        expect(error).toMatchObject({ code: 'permission_denied' });
        return (error as Error).message;
      }
      return '';
    };
    expect(said(() => all.acl.authorize(caller, 'default', 'service', 'read', 'web'))).toBe('');
    expect(said(() => all.acl.authorize(caller, 'default', 'service', 'write', 'web'))).toBe(
      `token ${accessorId} lacks permission 'service:write' on "web" in namespace "default"`,
    );
    expect(said(() => all.acl.authorize(all.acl.resolve(undefined), 'default', 'acl', 'read'))).toBe(
      "anonymous token lacks permission 'acl:read' in namespace \"default\"",
    );
    expect(all.denials).toEqual([
      { accessorId, namespace: 'default', resource: 'service', verb: 'write', name: 'web' },
      { accessorId: anonymousAccessor, namespace: 'default', resource: 'acl', verb: 'read', name: '' },
    ]);
  });

  it('allows everything to every caller without access control', async () => {
    const open = await secured({ enabled: false });
    const caller = open.acl.resolve('whatever');
    open.acl.authorize(caller, 'default', 'acl', 'write');
    expect(open.acl.resolve(undefined)).toBe(caller);
    expect(open.acl.refresh(caller)).toBe(caller);
    expect(open.acl.store.policies('default')).toEqual([]);
    await open.close();
  });
});
