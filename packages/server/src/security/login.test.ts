/** Logins: only a verified token is accepted, with the rights that the binding rules grant. */

import { generateKeyPairSync, createHmac, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressPolicy, type Resolve } from '../outbound/address-policy.ts';
import { fetchTextFrom } from './fetch-text.ts';
import { Login } from './login.ts';
import type { MethodInput } from './method-writes.ts';
import type { MethodConfig } from './records.ts';
import { secured, type Secured } from './security.case.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string;

let all: Secured;
/** Answers of issuers, by URL; fetches of other URLs fail. */
let answers: Record<string, string>;
let fetched: string[];
let login: Login;
/** Seconds since the epoch. */
const now = () => Math.floor(all.clock.now() / 1_000);

beforeEach(async () => {
  all = await secured();
  answers = {};
  fetched = [];
  login = new Login({
    acl: all.acl,
    admin: all.admin,
    clock: all.clock,
    datacenter: 'dc1',
    fetchText: (url) => {
      fetched.push(url);
      const answer = answers[url];
      return answer === undefined ? Promise.reject(new Error('status 500')) : Promise.resolve(answer);
    },
  });
});
afterEach(() => all.close());

async function method(config: MethodConfig, rules: { selector?: string; bindType?: string; bindName?: string; bindVariable?: string }[] = [{}]) {
  await all.admin.putMethod('default', { name: 'm', type: 'jwt', tokenTtlMs: 3_600_000, config });
  for (const rule of rules) await all.admin.putBindingRule('default', { method: 'm', bindType: 'service', bindName: 'web', ...rule });
}

const sign = (claims: Record<string, unknown>, key: KeyObject = ec.privateKey, header: { alg?: string; kid?: string } = {}) =>
  new SignJWT({ iat: now(), exp: now() + 60, ...claims }).setProtectedHeader({ alg: 'ES256', ...header }).sign(key);

const enter = (bearerToken: string) => login.login({ namespace: 'default', method: 'm', bearerToken, meta: { pod: 'a' } });

const local: Resolve = addressPolicy(() => Promise.reject(new Error('no names here')));

describe('a login', () => {
  it('grants the bindings of all matching rules, with values in the names', async () => {
    await all.admin.putRole('default', { name: 'ops' });
    await all.admin.putPolicy('default', { name: 'keys', rules: 'key "k" { policy = "read" }' });
    await method(
      {
        JWTValidationPubKeys: [pem(ec.publicKey)],
        BoundAudiences: ['rollcall'],
        BoundIssuer: 'https://issuer',
        ClaimMappings: { sub: 'name', '/team/id': 'team' },
        ListClaimMappings: { groups: 'groups' },
      },
      [
        { selector: 'value.name == Web', bindName: '${value.name}' },
        { selector: '"admins" in list.groups', bindType: 'role', bindName: 'ops' },
        { selector: 'value.team == 7 and value.name matches "^W"', bindType: 'policy', bindName: 'keys' },
        { selector: 'list.groups is not empty', bindType: 'templated-policy', bindName: 'builtin/node', bindVariable: 'n-${value.name}' },
        { bindType: 'node', bindName: 'node-${ value.team }' },
        { bindType: 'role', bindName: 'not-there' },
        { selector: 'value.name == unknown', bindType: 'policy', bindName: 'global-management' },
      ],
    );
    const { token, secret } = await enter(await sign({ sub: 'Web', team: { id: 7 }, groups: ['admins', 'x'], aud: ['a', 'rollcall'], iss: 'https://issuer' }));
    expect(token).toMatchObject({
      description: 'token created via login: {"pod":"a"}',
      authMethod: 'm',
      local: true,
      expiresAtMs: all.clock.now() + 3_600_000,
      roles: [all.acl.store.roleByName('default', 'ops')?.id],
      policies: [all.acl.store.policyByName('default', 'keys')?.id],
      serviceIdentities: [{ service: 'web', datacenters: [] }],
      nodeIdentities: [{ node: 'node-7', datacenter: 'dc1' }],
      templatedPolicies: [{ template: 'builtin/node', name: 'n-web', datacenters: [] }],
    });
    const caller = all.acl.resolve(secret);
    expect(caller.authorizer.allows('default', 'service', 'write', 'web')).toBe(true);
    expect(caller.authorizer.allows('default', 'acl', 'read')).toBe(false);
    await expect(all.admin.cloneToken('default', token.accessorId)).rejects.toThrow('a token from a login cannot be cloned');
    await all.admin.logout(caller);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
  });

  it('is refused if it gets no right', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)] }, [{ bindType: 'role', bindName: 'gone' }]);
    await expect(enter(await sign({}))).rejects.toThrow(expect.objectContaining({ code: 'permission_denied', message: 'no binding rule grants this identity anything' }) as Error);
  });

  it('is refused if its values do not form a valid name', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)], ClaimMappings: { sub: 'name' } }, [{ bindName: '${value.name}' }]);
    await expect(enter(await sign({ sub: 'a/b' }))).rejects.toThrow('the name "a/b", computed from the identity, is not valid for the bind type "service"');
    await expect(enter(await sign({}))).rejects.toThrow('the name "", computed from the identity');
  });

  it('is refused for an unknown method, or while access control is off', async () => {
    await expect(enter('x')).rejects.toThrow('no auth method has the name "m"');
    const open = await secured({ enabled: false });
    const none = new Login({ ...open, datacenter: 'dc1', fetchText: fetchTextFrom(local) });
    await expect(none.login({ namespace: 'default', method: 'm', bearerToken: 'x' })).rejects.toThrow('access control is off');
    await open.close();
  });

  it('is deleted with its method and the rules of that method', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)] });
    const { secret } = await enter(await sign({}));
    await all.admin.deleteMethod('default', 'm');
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
    expect(all.acl.store.bindingRules('default')).toEqual([]);
    expect(all.acl.store.tokens('default')).toHaveLength(1);
  });

  it('becomes invalid in the turn in which its method is deleted, and stays so if a new method gets the name', async () => {
    const config = { JWTValidationPubKeys: [pem(ec.publicKey)] };
    await method(config);
    const { secret } = await enter(await sign({}));
    let told = 0;
    all.acl.onChange(all.acl.resolve(secret), () => told++);
    // As if the process had died before it removed the tokens.
    await all.replica.submit({ kind: 'record-delete', namespace: 'default', type: 'acl-auth-method', id: 'm' });
    expect(told).toBe(1);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
    await method(config);
    expect(() => all.acl.resolve(secret)).toThrow('no token has this secret, or the token has expired');
    const { secret: another } = await enter(await sign({}));
    expect(all.acl.resolve(another).authorizer.allows('default', 'service', 'write', 'web')).toBe(true);
  });
});

describe('a login through an auth method of a namespace', () => {
  beforeEach(async () => {
    for (const name of ['team-a', 'team-b']) await all.replica.submit({ kind: 'namespace-put', name });
  });

  const config = { JWTValidationPubKeys: [pem(ec.publicKey)] };
  const into = (namespace: string, bearerToken: string) => login.login({ namespace, method: 'm', bearerToken });

  it('creates a token there, with the rights of the binding rules there', async () => {
    await all.admin.putMethod('team-a', { name: 'm', type: 'jwt', config });
    await all.admin.putBindingRule('team-a', { method: 'm', bindType: 'service', bindName: 'web' });
    const { token, secret } = await into('team-a', await sign({}));
    expect([token.namespace, token.authMethod, token.authMethodNamespace]).toEqual(['team-a', 'm', 'team-a']);
    const { authorizer } = all.acl.resolve(secret);
    expect([authorizer.allows('team-a', 'service', 'write', 'web'), authorizer.allows('default', 'service', 'read', 'web')]).toEqual([true, false]);
    await expect(into('default', await sign({}))).rejects.toThrow('no auth method has the name "m"');
    // A method of the same name in another namespace changes nothing here.
    await all.admin.putMethod('default', { name: 'm', type: 'jwt', config });
    await all.admin.deleteMethod('default', 'm');
    expect(all.acl.resolve(secret).accessorId).toBe(token.accessorId);
    await all.admin.deleteMethod('team-a', 'm');
    expect(all.acl.store.tokens('team-a')).toEqual([]);
  });

  it('binds roles and policies in the namespace of the token', async () => {
    await all.admin.putMethod('default', { name: 'm', type: 'jwt', config, namespaceRules: [{ selector: '', bindNamespace: 'team-a' }] });
    await all.admin.putBindingRule('default', { method: 'm', bindType: 'role', bindName: 'ops' });
    const role = await all.admin.putRole('team-a', { name: 'ops' });
    await all.admin.putRole('default', { name: 'ops' });
    expect((await into('default', await sign({}))).token).toMatchObject({ namespace: 'team-a', roles: [role.id] });
  });

  it('creates the token in the namespace of the first matching namespace rule, else in that of the method', async () => {
    const namespaceRules = [
      { selector: 'value.sub == root', bindNamespace: 'team-b' },
      { selector: 'value.sub != plain', bindNamespace: 'team-${value.sub}' },
    ];
    await all.admin.putMethod('default', { name: 'm', type: 'jwt', config: { ...config, ClaimMappings: { sub: 'sub' } }, namespaceRules });
    await all.admin.putBindingRule('default', { method: 'm', bindType: 'service', bindName: 'web' });
    const placeOf = async (sub: string) => (await into('default', await sign({ sub }))).token.namespace;
    expect([await placeOf('root'), await placeOf('A'), await placeOf('plain')]).toEqual(['team-b', 'team-a', 'default']);
    // A missing namespace gives the same error as an identity without rights.
    await expect(placeOf('z')).rejects.toThrow('no binding rule grants this identity anything');
    const { token } = await into('default', await sign({ sub: 'a' }));
    await all.admin.deleteMethod('default', 'm');
    expect(all.acl.store.token('team-a', token.accessorId)).toBeUndefined();
  });

  it.each([
    ['team-a', { selector: '', bindNamespace: 'team-b' }, 'an auth method of the namespace "team-a" creates tokens in that namespace only'],
    ['default', { selector: 'value.nope ==', bindNamespace: 'team-a' }, 'the selector of a namespace rule is invalid'],
    ['default', { selector: '', bindNamespace: 'a b' }, 'the namespace rule yields "a b", which is not a valid namespace name'],
    ['default', { selector: '', bindNamespace: '${value.nope}' }, 'the variable "value.nope" does not exist'],
  ])('refuses a bad namespace rule in %s: %j', async (namespace, rule, message) => {
    await expect(all.admin.putMethod(namespace, { name: 'm', type: 'jwt', config, namespaceRules: [rule] })).rejects.toThrow(message);
  });
});

describe('a token that is', () => {
  const base64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const audience = { aud: 'rollcall', iss: 'https://issuer' };
  /** A valid token with the given claims changed. */
  const fit = (claims: Record<string, unknown>, key?: KeyObject, header?: { alg?: string }) =>
    sign({ ...audience, ...claims }, key, header);
  const cases: [string, () => Promise<string>, string][] = [
    ['empty', () => Promise.resolve(''), 'the bearer token is empty'],
    ['not a token', () => Promise.resolve('a.b'), 'the bearer token cannot be verified'],
    ['huge', () => Promise.resolve('x'.repeat(20_000)), 'the limit is 16384'],
    ['unsigned', () => Promise.resolve(`${base64({ alg: 'none' })}.${base64({ ...audience, exp: now() + 60 })}.`), 'the bearer token cannot be verified'],
    ['signed with an unknown key', () => fit({}, other.privateKey), 'no key of the auth method verifies the signature of the bearer token'],
    ['altered', async () => { const [head, , signature] = (await fit({})).split('.'); return `${head}.${base64({ sub: 'root', ...audience, exp: now() + 60 })}.${signature}`; }, 'no key of the auth method verifies the signature of the bearer token'],
    [
      'signed with the public key as a shared secret',
      () => {
        const body = `${base64({ alg: 'HS256' })}.${base64({ ...audience, exp: now() + 60 })}`;
        return Promise.resolve(`${body}.${createHmac('sha256', pem(ec.publicKey)).update(body).digest('base64url')}`);
      },
      'the bearer token cannot be verified',
    ],
    ['expired', () => fit({ iat: now() - 600, exp: now() - 61 }), 'the bearer token has expired (exp)'],
    ['not valid yet', () => fit({ nbf: now() + 61 }), 'the bearer token is not valid yet (nbf)'],
    ['issued in the future', () => fit({ iat: now() + 61, nbf: now() }), 'the bearer token was issued in the future (iat)'],
    ['without a time', () => fit({ iat: undefined, exp: undefined }), 'the bearer token has none of the claims exp, iat and nbf'],
    ['with an invalid time', () => fit({ nbf: 'soon' }), 'the claim nbf of the bearer token is not a time'],
    ['for another audience', () => fit({ aud: 'others' }), 'the bearer token names no audience that the auth method allows (aud)'],
    ['from another issuer', () => fit({ iss: 'https://others' }), 'the bearer token comes from another issuer (iss)'],
    ['with claims of a wrong type', () => fit({ sub: { a: 1 } }), 'the claim "sub" of the bearer token is not a text'],
  ];
  const demanding = () =>
    method({
      JWTValidationPubKeys: [pem(rsa.publicKey), pem(ec.publicKey)],
      BoundAudiences: ['rollcall'],
      BoundIssuer: 'https://issuer',
      ClaimMappings: { sub: 'name' },
    });

  it('valid is accepted', async () => {
    await demanding();
    await enter(await fit({}));
    await enter(await fit({}, rsa.privateKey, { alg: 'RS256' }));
  });

  it.each(cases)('%s is refused', async (_, make, message) => {
    await demanding();
    await expect(enter(await make())).rejects.toThrow(
      expect.objectContaining({ code: 'unauthenticated', message: expect.stringContaining(message) as string }) as Error,
    );
    expect(all.acl.store.tokens('default')).toHaveLength(1);
  });

  it('valid, but signed with an algorithm that the method does not allow, is refused', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)], JWTSupportedAlgs: ['RS256'] });
    await expect(enter(await sign({}))).rejects.toThrow('the bearer token cannot be verified');
  });

  it('for an audience is refused by a method that allows none', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)] });
    await expect(enter(await sign({ aud: 'x' }))).rejects.toThrow('the bearer token names an audience, but the auth method allows none (aud)');
  });

  it('without an end is valid for the configured leeway', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)], ExpirationLeeway: '30s', ClockSkewLeeway: -1 });
    const token = await sign({ exp: undefined });
    all.clock.advance(29_000);
    await enter(token);
    all.clock.advance(2_000);
    await expect(enter(token)).rejects.toThrow('expired');
  });
});

describe('fetched keys', () => {
  const url = 'https://issuer/keys';
  const jwk = async (key: KeyObject, kid: string): Promise<JWK> => ({ ...(await exportJWK(key)), kid });
  const set = async (...keys: Promise<JWK>[]) => JSON.stringify({ keys: await Promise.all(keys) });

  it('are cached, and fetched again for an unknown key id at most every half minute', async () => {
    await method({ JWKSURL: url });
    answers[url] = await set(jwk(ec.publicKey, '1'));
    const good = () => sign({}, ec.privateKey, { kid: '1' });
    const fresh = () => sign({}, other.privateKey, { kid: '2' });
    const first = await Promise.all([good(), good(), good()]);
    await Promise.all(first.map(enter));
    expect(fetched).toHaveLength(1);
    answers[url] = await set(jwk(ec.publicKey, '1'), jwk(other.publicKey, '2'));
    await expect(enter(await fresh())).rejects.toThrow('no key of the auth method verifies the signature of the bearer token');
    expect(fetched).toHaveLength(1);
    all.clock.advance(30_000);
    await enter(await fresh());
    await enter(await good());
    expect(fetched).toHaveLength(2);
    for (let n = 0; n < 5; n++) await expect(enter(await sign({}, rsa.privateKey, { alg: 'RS256', kid: '3' }))).rejects.toThrow('no key of the auth method verifies the signature of the bearer token');
    expect(fetched).toHaveLength(2);
    // A withdrawn key is trusted for ten minutes.
    answers[url] = await set(jwk(other.publicKey, '2'));
    all.clock.advance(600_000);
    await expect(enter(await good())).rejects.toThrow('no key of the auth method verifies the signature of the bearer token');
    expect(fetched).toHaveLength(3);
  });

  it('without ids are all tried', async () => {
    await method({ JWKSURL: url });
    const bare = async (key: KeyObject): Promise<JWK> => exportJWK(key);
    answers[url] = await set(bare(other.publicKey), bare(ec.publicKey));
    await enter(await sign({}));
  });

  it('are requested at most twice a minute while the fetch fails', async () => {
    await method({ JWKSURL: url });
    const token = await sign({});
    await expect(enter(token)).rejects.toThrow(expect.objectContaining({ code: 'unavailable', message: `the keys of the auth method could not be fetched from ${url}: status 500` }) as Error);
    await expect(enter(token)).rejects.toThrow('try again in half a minute');
    expect(fetched).toHaveLength(1);
    for (const answer of ['{}', '{"keys":[1]}', 'nope']) {
      all.clock.advance(30_000);
      answers[url] = answer;
      await expect(enter(token)).rejects.toMatchObject({ code: 'unavailable' });
    }
  });

  it('are found by discovery if the document names its own URL as the issuer', async () => {
    await method({ OIDCDiscoveryURL: 'https://issuer' });
    answers[url] = await set(jwk(ec.publicKey, '1'));
    answers['https://issuer/.well-known/openid-configuration'] = JSON.stringify({ issuer: 'https://issuer', jwks_uri: url });
    await enter(await sign({}));
    await all.admin.putMethod('default', { name: 'm', config: { OIDCDiscoveryURL: 'https://issuer', BoundIssuer: 'x' } });
    for (const lie of [{ issuer: 'https://evil', jwks_uri: url }, { issuer: 'https://issuer', jwks_uri: 'http://issuer/keys' }, { issuer: 'https://issuer' }]) {
      all.clock.advance(30_000);
      answers['https://issuer/.well-known/openid-configuration'] = JSON.stringify(lie);
      await expect(enter(await sign({ iss: 'x' }))).rejects.toThrow('names another issuer');
    }
  });

  it('are fetched over HTTP with limits of bytes and time, without redirects', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/good' }).end();
      else if (request.url === '/big') response.end('x'.repeat(2_000));
      else if (request.url === '/good') response.end('text');
      // Requests for other paths get no answer.
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const get = (path: string, timeoutMs = 5_000) => fetchTextFrom(local)(base + path, { ca: '', bytesMax: 1_000, timeoutMs });
    expect(await get('/good')).toBe('text');
    await expect(get('/redirect')).rejects.toThrow('status 302');
    await expect(get('/big')).rejects.toThrow('more than 1000 bytes');
    await expect(get('/never', 20)).rejects.toThrow();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await expect(get('/good')).rejects.toThrow('ECONNREFUSED');
  });

  it.each([
    ['http://169.254.169.254/latest/meta-data/', 'address 169.254.169.254 is refused'],
    ['http://2852039166/', 'address 169.254.169.254 is refused'],
    ['https://[::ffff:a9fe:a9fe]/', 'is refused'],
    ['https://metadata.test/keys', 'address 169.254.169.254 is refused'],
    ['http://0.0.0.0:8500/v1/kv/', 'address 0.0.0.0 is refused'],
  ])('are not fetched from an address that probes may not reach: %s', async (url, message) => {
    const resolve = addressPolicy(() => Promise.resolve([{ address: '169.254.169.254', family: 4 }]));
    await expect(fetchTextFrom(resolve)(url, { ca: '', bytesMax: 1_000, timeoutMs: 5_000 })).rejects.toThrow(message);
  });

  it('are fetched from the checked address, even if the name later resolves to another one', async () => {
    const server = createServer((request, response) => response.end(request.headers.host));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    let asked = 0;
    const resolve = addressPolicy(() => Promise.resolve([{ address: asked++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 }]));
    const url = `http://rebound.test:${port}/`;
    expect(await fetchTextFrom(resolve)(url, { ca: '', bytesMax: 1_000, timeoutMs: 5_000 })).toBe(`rebound.test:${port}`);
    expect(asked).toBe(1);
    await new Promise((closed) => server.close(closed));
  });
});

describe('an auth method', () => {
  const key = { JWTValidationPubKeys: [pem(ec.publicKey)] };
  const wrong: [MethodInput, string][] = [
    [{ name: '' }, 'the auth method has no name'],
    [{ name: 'a b' }, 'the name of the auth method is invalid: use only letters, digits, "-" and "_"'],
    [{ name: 'a', type: 'kubernetes' }, 'the type of an auth method must be "jwt" or "oidc"'],
    [{ name: 'a', tokenTtlMs: 1 }, 'tokens of the auth method would live 1 ms; the minimum is 60000 ms'],
    [{ name: 'a', locality: 'x' }, 'the locality of tokens must be "local" or "global"'],
    [{ name: 'a', config: {} }, "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set"],
    [{ name: 'a', config: { ...key, JWKSURL: 'https://x' } }, 'exactly one of'],
    [{ name: 'a', config: { JWKSURL: 'http://issuer/keys' } }, 'give one with https'],
    [{ name: 'a', config: { JWKSURL: 'file:///etc/passwd' } }, 'give one with https'],
    [{ name: 'a', config: { JWTValidationPubKeys: ['x'] } }, 'error parsing public key JWTValidationPubKeys[0]'],
    [{ name: 'a', config: { ...key, JWTSupportedAlgs: ['none'] } }, 'Invalid supported algorithm: none'],
    [{ name: 'a', config: { ...key, JWTSupportedAlgs: ['HS256'] } }, 'Invalid supported algorithm: HS256'],
    [{ name: 'a', config: { ...key, ClaimMappings: { a: 'x', b: 'x' } } }, 'ClaimMappings contains multiple mappings for key "x"'],
    [{ name: 'a', config: { ...key, ClockSkewLeeway: 'soon' } }, 'ClockSkewLeeway must be a duration'],
    [{ name: 'a', config: { ...key, Nope: 1 } }, 'has no setting "Nope"'],
  ];
  it.each(wrong.map(([input, message]) => ({ input, message })))('is refused: $message', async ({ input, message }) => {
    await expect(all.admin.putMethod('default', { type: 'jwt', config: key, ...input })).rejects.toThrow(message);
  });

  it('cannot change its type', async () => {
    await all.admin.putMethod('default', { name: 'a', type: 'jwt', config: key });
    expect(await all.admin.putMethod('default', { name: 'a', config: key, displayName: 'A' })).toMatchObject({ type: 'jwt', displayName: 'A' });
    await expect(all.admin.putMethod('default', { name: 'a', type: 'oidc', config: key })).rejects.toThrow('the type of an auth method cannot be changed');
  });
});

describe('a binding rule', () => {
  it.each([
    [{}, 'the binding rule names no auth method'],
    [{ method: 'x' }, 'no auth method has the name "x"'],
    [{ method: 'm' }, 'the binding rule has no bind type'],
    [{ method: 'm', bindType: 'service' }, 'the binding rule has no bind name'],
    [{ method: 'm', bindType: 'x', bindName: 'x' }, 'the bind type "x" does not exist'],
    [{ method: 'm', bindType: 'service', bindName: 'A' }, 'the bind name is not valid for the bind type'],
    [{ method: 'm', bindType: 'service', bindName: '${value.nope}' }, 'the variable "value.nope" does not exist'],
    [{ method: 'm', bindType: 'templated-policy', bindName: 'nope' }, 'no templated policy has the name "nope"'],
    [{ method: 'm', selector: 'nope.name == 1' }, 'the selector of the binding rule is invalid: Selector "nope" is not valid'],
    [{ method: 'm', selector: 'value.name ==' }, 'the selector of the binding rule is invalid: 1:14 (13)'],
    [{ id: 'x' }, 'the id of the binding rule is not a UUID'],
  ])('is refused with %j: %s', async (input, message) => {
    await all.admin.putMethod('default', { name: 'm', type: 'jwt', config: { JWTValidationPubKeys: [pem(ec.publicKey)], ClaimMappings: { sub: 'name' } } });
    await expect(all.admin.putBindingRule('default', input)).rejects.toThrow(message);
  });

  it('cannot change its method', async () => {
    await method({ JWTValidationPubKeys: [pem(ec.publicKey)] });
    const [rule] = all.acl.store.bindingRules('default', 'm');
    const id = rule?.id ?? '';
    await expect(all.admin.putBindingRule('default', { id, method: 'n' })).rejects.toThrow('the auth method of a binding rule cannot be changed');
    expect(await all.admin.putBindingRule('default', { id, bindType: 'role', bindName: 'r' })).toMatchObject({ method: 'm', bindType: 'role' });
    await all.admin.deleteBindingRule('default', id);
    await expect(all.admin.deleteBindingRule('default', id)).rejects.toThrow('binding rule does not exist');
  });
});
