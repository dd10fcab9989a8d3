/** Signing in at a real OpenID provider, in a browser and as an attacker would try it; and with a JSON Web Token. */

import { createServer, type Server } from '@rollcall/server';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';
import { clientId, clientSecret, OpenIdProvider } from './openid-provider.case.ts';

const management = 'a management token';
const key = Buffer.alloc(32, 7).toString('base64url');
const otherKey = Buffer.alloc(32, 8).toString('base64url');

async function write(server: Server, path: string, body: object): Promise<void> {
  const answer = await fetch(`${server.url}/rollcall/v1/access/${path}`, { method: 'PUT', headers: { authorization: `Bearer ${management}` }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

/** An auth method whose people with the group `operators` may read services. */
async function trust(server: Server, issuer: string, redirectUris: readonly string[]): Promise<void> {
  await write(server, 'policies', { name: 'readers', rules: 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }' });
  const config = { OIDCDiscoveryURL: issuer, OIDCClientID: clientId, OIDCClientSecret: clientSecret, OIDCScopes: ['email', 'groups'], AllowedRedirectURIs: redirectUris, ClaimMappings: { email: 'email' }, ListClaimMappings: { groups: 'groups' } };
  await write(server, 'methods', { name: 'company', type: 'oidc', displayName: 'the company account', tokenTtlMs: 3_600_000, config });
  await write(server, 'rules', { method: 'company', selector: '"operators" in list.groups', bindType: 'policy', bindName: 'readers' });
}

interface Answer {
  readonly status: number;
  readonly body: { readonly url?: string; readonly code?: string; readonly message?: string; readonly subject?: { readonly name: string } };
  /** Cookies by name; an ended one is empty. */
  readonly cookies: Readonly<Record<string, string>>;
}

/** One request of a page. */
async function ask(server: Server, method: string, path: string, { body, cookies = {}, pageKey = key, origin = server.url }: { readonly body?: object; readonly cookies?: Answer['cookies']; readonly pageKey?: string; readonly origin?: string } = {}): Promise<Answer> {
  const answer = await fetch(`${server.url}/ui/api/${path}`, {
    method,
    headers: { origin, 'x-rollcall-page-key': pageKey, cookie: Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join('; ') },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const set = answer.headers.getSetCookie().map((each) => /^([^=]*)=([^;]*)/.exec(each) ?? []);
  return { status: answer.status, body: (await answer.json()) as Answer['body'], cookies: Object.fromEntries(set.map(([, name = '', value = '']) => [name, value])) };
}

describe('the flow, step by step', () => {
  let server: Server;
  let provider: OpenIdProvider;
  beforeAll(async () => {
    server = await createServer({ nodeName: 'server-1', acl: { initialManagement: management } });
    const redirect = `${server.url}/ui/oidc/callback`;
    provider = await OpenIdProvider.start([redirect]);
    await trust(server, provider.issuer, [redirect]);
  });
  afterAll(async () => {
    await provider[Symbol.asyncDispose]();
    await server.close();
  });

  const start = () => ask(server, 'POST', 'oidc/start', { body: { method: 'company' } });
  const finish = (query: URLSearchParams, cookies: Answer['cookies']) => ask(server, 'POST', 'oidc/callback', { body: { query: query.toString() }, cookies });

  test('ends with a session of the identity, whose token is deleted when it signs out', async () => {
    const begun = await start();
    const url = new URL(begun.body.url ?? '');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ response_type: 'code', client_id: clientId, code_challenge_method: 'S256', scope: 'openid email groups', redirect_uri: `${server.url}/ui/oidc/callback` });
    const back = await provider.visit(url.href, 'ann');
    const ended = await finish(back.searchParams, begun.cookies);
    expect([ended.status, ended.body.subject?.name, ended.cookies['rollcall-oidc']]).toEqual([200, 'ann@example.com by company', '']);
    const session = { 'rollcall-session': ended.cookies['rollcall-session'] ?? '' };
    expect((await ask(server, 'GET', 'session', { cookies: session })).body.subject?.name).toBe('ann@example.com by company');
    // Another program on this host gets the cookie, and has no key.
    expect((await ask(server, 'GET', 'session', { cookies: session, pageKey: otherKey })).body.subject?.name).not.toBe('ann@example.com by company');
    await ask(server, 'DELETE', 'session', { cookies: session });
    expect((await ask(server, 'GET', 'session', { cookies: session })).status).toBe(401);
  });

  test('refuses another state, an answer without the browser that has begun, an answer twice, and another issuer', async () => {
    const begun = await start();
    const back = await provider.visit(begun.body.url ?? '', 'ann');
    const changed = (name: string, value: string) => {
      const query = new URLSearchParams(back.searchParams);
      query.set(name, value);
      return query;
    };
    expect(await finish(changed('state', 'another'), begun.cookies)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(await finish(changed('iss', 'https://evil.example'), begun.cookies)).toMatchObject({ status: 401 });
    expect(await finish(back.searchParams, {})).toMatchObject({ status: 401, body: { message: expect.stringContaining('has not begun') as string } });
    // The browser of another sign-in has another state and verifier.
    expect(await finish(back.searchParams, (await start()).cookies)).toMatchObject({ status: 401 });
    expect(await finish(back.searchParams, begun.cookies)).toMatchObject({ status: 200 });
    expect(await finish(back.searchParams, begun.cookies)).toMatchObject({ status: 401, body: { message: expect.stringContaining('invalid_grant') as string } });
  });

  test('refuses a redirect to another place, and pages of other origins', async () => {
    // The name is another one than that of the method, though it leads to the same server.
    const other = server.url.replace('127.0.0.1', 'localhost');
    const named = await fetch(`${other}/ui/api/oidc/start`, { method: 'POST', headers: { origin: other }, body: JSON.stringify({ method: 'company' }) });
    expect([named.status, await named.text()]).toEqual([400, expect.stringContaining('AllowedRedirectURIs') as string]);
    expect(await ask(server, 'POST', 'oidc/start', { body: { method: 'company' }, origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await ask(server, 'POST', 'oidc/callback', { body: { query: 'code=x&state=y' }, origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await ask(server, 'POST', 'oidc/start', { body: { method: 'none' } })).toMatchObject({ status: 404 });
  });

  test('refuses a code that has ended, a refusal of the provider, and an identity to which no rule grants anything', async () => {
    const late = await start();
    const back = await provider.visit(late.body.url ?? '', 'ann');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    onTestFinished(() => void vi.useRealTimers());
    const ended = await finish(back.searchParams, late.cookies);
    expect([ended.status, ended.body.message]).toEqual([401, expect.stringContaining('invalid_grant') as string]);
    vi.setSystemTime(Date.now() + 600_000);
    expect(await finish(back.searchParams, late.cookies)).toMatchObject({ status: 401, body: { message: expect.stringContaining('too long ago') as string } });
    vi.useRealTimers();
    const refused = await start();
    const state = new URL(refused.body.url ?? '').searchParams.get('state') ?? '';
    const answer = await finish(new URLSearchParams({ error: 'access_denied', state, iss: provider.issuer }), refused.cookies);
    expect([answer.status, answer.body.message]).toEqual([401, expect.stringContaining('access_denied') as string]);
    const begun = await start();
    const bob = await provider.visit(begun.body.url ?? '', 'bob');
    expect(await finish(bob.searchParams, begun.cookies)).toMatchObject({ status: 403 });
  });
});

test('a JSON Web Token of an auth method signs in', async () => {
  await using server = await createServer({ nodeName: 'server-1', acl: { initialManagement: management } });
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  await write(server, 'policies', { name: 'readers', rules: 'service_prefix "" { policy = "read" }' });
  await write(server, 'methods', { name: 'programs', type: 'jwt', config: { JWTValidationPubKeys: [await exportSPKI(publicKey)], BoundIssuer: 'test', ClaimMappings: { sub: 'name' } } });
  await write(server, 'rules', { method: 'programs', bindType: 'policy', bindName: 'readers' });
  const jwt = (issuer: string) => new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).setSubject('ann').setIssuer(issuer).setIssuedAt().setExpirationTime('1h').sign(privateKey);
  expect(await ask(server, 'POST', 'session', { body: { jwt: await jwt('another'), method: 'programs' } })).toMatchObject({ status: 401 });
  const { status, cookies } = await ask(server, 'POST', 'session', { body: { jwt: await jwt('test'), method: 'programs' } });
  expect([status, Object.keys(cookies)]).toEqual([200, ['rollcall-session']]);
  // Without its key a page cannot begin a session.
  expect(await ask(server, 'POST', 'session', { body: { token: management }, pageKey: 'short' })).toMatchObject({ status: 400 });
});

test.skipIf(noBrowser !== '')(`a person signs in at the provider, sees who is signed in, and signs out${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
  const redirect = `${console.server.url}/ui/oidc/callback`;
  await using provider = await OpenIdProvider.start([redirect]);
  await trust(console.server, provider.issuer, [redirect]);
  await console.register('web', 'web-1', { token: management });
  const page = await console.open('services?sort=size');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign in with the company account' }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign in with the company account' }).click();
  await page.locator('input[name=login]').fill('ann');
  await page.locator('input[name=password]').fill('any');
  await page.getByRole('button').first().click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('ann@example.com by company').waitFor();
  // It is where it began, and the code is in no address any more.
  await expect.poll(() => page.url()).toBe(`${console.server.url}/ui/services?sort=size`);
  await page.getByRole('link', { name: 'web' }).waitFor();
  await page.reload();
  await page.getByText('ann@example.com by company').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.close();
});
