/** The server's part of the console: files, signing in and out, rights, and the list of services. The pages are tested in a browser (`packages/console`). */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { pageKeyProtocol, pageProtocol } from '@rollcall/protocol';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { sessionCookie } from '../../net/page-token.ts';
import { surface } from './routes.ts';

const script = 'export const a = 1;\n'.repeat(100);

let folder: string;
let registry: ConfigServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-console-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Rollcall</title>');
  writeFileSync(join(folder, 'assets/index-1a2b.js'), script);
  writeFileSync(join(folder, 'assets/index-1a2b.js.br'), brotliCompressSync(script));
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken }, consoleFolder: folder });
  const web = (id: string, service: string, status: string) => put('/v1/agent/service/register', { ID: id, Name: service, Port: 80, Tags: [id], Check: { TTL: '600s', Status: status } });
  await web('a', 'web', 'passing');
  await web('b', 'web', 'critical');
  await web('c', 'db', 'passing');
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const management = { headers: { 'x-consul-token': managementToken } };

async function put(path: string, body: object): Promise<void> {
  const { status, text } = await registry.ask(path, { method: 'PUT', body: JSON.stringify(body), ...management });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
}

const pageKey = Buffer.alloc(32, 1).toString('base64url');

/** As a page that is signed in. */
async function signIn(token: string): Promise<{ cookie: string; set: string }> {
  const { status, headers, text } = await registry.ask('/ui/api/session', { method: 'POST', body: JSON.stringify({ token }), headers: { 'origin': registry.server.url, 'x-rollcall-page-key': pageKey } });
  if (status !== 200) throw new Error(`${status} ${text}`);
  const set = headers.get('set-cookie') ?? '';
  return { set, cookie: set.split(';')[0] ?? '' };
}

describe('files', () => {
  test('an asset is compressed and kept without asking again, the page is not', async () => {
    const plain = await registry.ask('/ui/assets/index-1a2b.js', { headers: { 'accept-encoding': 'identity' } });
    expect([plain.status, plain.text, plain.headers.get('cache-control'), plain.headers.get('content-type')]).toEqual([200, script, 'public, max-age=31536000, immutable', 'text/javascript; charset=utf-8']);
    const zipped = await registry.ask('/ui/assets/index-1a2b.js', { headers: { 'accept-encoding': 'gzip, br' } });
    expect([zipped.headers.get('content-encoding'), zipped.text]).toEqual(['br', brotliDecompressSync(brotliCompressSync(script)).toString()]);
    const page = await registry.ask('/ui/services/web');
    expect([page.text, page.headers.get('cache-control')]).toEqual(['<!doctype html><title>Rollcall</title>', 'no-cache']);
    expect((await registry.ask('/ui/services/web', { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })).status).toBe(304);
  });

  test('only this server may give the page scripts, and no page may show it in a frame', async () => {
    const { headers } = await registry.ask('/ui/');
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) expect(policy).toContain(rule);
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('without the slash it leads to the page; a missing asset and a way out of the folder are 404', async () => {
    const { status, headers } = await registry.ask('/ui', { redirect: 'manual' });
    expect([status, headers.get('location')]).toEqual([308, '/ui/']);
    expect((await registry.ask('/ui/assets/none.js')).status).toBe(404);
    expect((await registry.ask('/ui/assets/..%2f..%2fpackage.json')).status).toBe(404);
  });

  test('a console that was not built says how to build it', async () => {
    await using bare = await ConfigServer.start({ consoleFolder: join(folder, 'none') });
    const { status, text } = await bare.ask('/ui/');
    expect([status, text]).toEqual([404, expect.stringContaining('npm run build')]);
  });
});

describe('a session', () => {
  test('begins with a token, which a cookie keeps, and ends', async () => {
    const { cookie, set } = await signIn(managementToken);
    expect(set).toContain('HttpOnly; SameSite=Strict');
    expect(await registry.json('/ui/api/session', { headers: { cookie, 'x-rollcall-page-key': pageKey } })).toMatchObject({ accessControl: true, namespace: 'default', server: { name: 'server-1' } });
    expect((await registry.json<{ services: object[] }>('/rollcall/v1/health', { headers: { cookie, 'x-rollcall-page-key': pageKey } })).services).toHaveLength(3);
    const { headers } = await registry.ask('/ui/api/session', { method: 'DELETE', headers: { cookie, 'x-rollcall-page-key': pageKey } });
    expect(headers.get('set-cookie')).toContain('Max-Age=0');
  });

  test('says which namespaces the caller may see, and which environment this is', async () => {
    await using own = await ConfigServer.start({ acl: { initialManagement: managementToken }, consoleFolder: folder, consoleEnvironment: { name: 'production', colour: 'red' } });
    for (const Name of ['team-b', 'team-a']) expect((await own.ask('/v1/namespace', { method: 'PUT', body: JSON.stringify({ Name }), ...management })).status).toBe(200);
    const of = (token: string) => own.json<{ namespaces: string[] }>('/ui/api/session', { headers: { 'x-consul-token': token } });
    expect(await of(managementToken)).toMatchObject({ namespaces: ['default', 'team-a', 'team-b'], environment: { name: 'production', colour: 'red' } });
    expect((await of(await own.tokenWith('namespace "team-a" { service_prefix "" { policy = "read" } }'))).namespaces).toEqual(['team-a']);
  });

  test('opens the native stream, without a token in the URL', async () => {
    const { cookie } = await signIn(await registry.tokenWith('service "web" { policy = "read" }'));
    const socket = new WebSocket(`${registry.server.url.replace('http', 'ws')}/rollcall/v1/stream`, [pageProtocol, `${pageKeyProtocol}${pageKey}`], { headers: { cookie, origin: registry.server.url } });
    const replies: { type: string; items?: object[] }[] = [];
    socket.on('message', (data: Buffer) => replies.push(JSON.parse(data.toString()) as { type: string }));
    await new Promise((open) => socket.once('open', open));
    socket.send(JSON.stringify({ type: 'hello', id: 1, protocol: 1, client: 'page' }));
    socket.send(JSON.stringify({ type: 'get', id: 2, view: { kind: 'services', name: '' } }));
    while (replies.length < 2) await new Promise((next) => socket.once('message', next));
    expect(replies.find(({ type }) => type === 'snapshot')?.items).toEqual([{ service: 'web', tags: ['a', 'b'] }]);
    socket.close();
  });

  test('of another page does not count: its requests are refused before the cookie is looked at', async () => {
    const { cookie } = await signIn(managementToken);
    const from = { cookie, 'x-rollcall-page-key': pageKey, 'origin': 'https://evil.example' };
    expect((await registry.ask('/rollcall/v1/health', { headers: from })).status).toBe(403);
    expect((await registry.ask('/rollcall/v1/instance/status', { method: 'PUT', headers: from, body: '{}' })).status).toBe(403);
    expect((await registry.ask('/ui/api/session', { method: 'POST', headers: from, body: JSON.stringify({ token: managementToken }) })).status).toBe(403);
    const refused = new WebSocket(`${registry.server.url.replace('http', 'ws')}/rollcall/v1/stream`, { headers: from });
    expect(await new Promise((answer) => refused.once('unexpected-response', (_request, { statusCode }) => answer(statusCode)))).toBe(403);
    refused.on('error', () => {});
    refused.terminate();
  });

  test('does not begin with a wrong token, and a cookie that has ended lets the page and the sign-in work', async () => {
    const wrong = await registry.ask('/ui/api/session', { method: 'POST', body: JSON.stringify({ token: 'wrong' }) });
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null]);
    // With it, a browser would show its own question for a password.
    expect(wrong.headers.get('www-authenticate')).toBeNull();
    const sealed = sessionCookie({ headers: { 'x-rollcall-page-key': pageKey } }, 'wrong', { isEncrypted: false, endsMs: Infinity, now: 0 });
    const ended = { headers: { 'cookie': sealed.split(';')[0] ?? '', 'x-rollcall-page-key': pageKey } };
    expect((await registry.ask('/ui/', ended)).status).toBe(200);
    expect((await registry.ask('/ui/api/session', ended)).status).toBe(401);
    expect((await registry.ask('/ui/api/session', { method: 'POST', body: JSON.stringify({ token: managementToken }), ...ended })).status).toBe(200);
  });

  test.each(['', '[]', '{"token": 5}', '{"token": ""}', 'x'])('needs a token in its body: %j', async (body) => {
    expect((await registry.ask('/ui/api/session', { method: 'POST', body })).status).toBe(400);
  });
});

describe('rights', () => {
  const can = (ask: unknown, headers: Record<string, string>) => registry.ask('/ui/api/can', { method: 'POST', body: JSON.stringify({ ask }), headers });

  test('are those of the token', async () => {
    const { cookie } = await signIn(await registry.tokenWith('service "web" { policy = "write" } key_prefix "a/" { policy = "read" }'));
    const ask = [
      { resource: 'service', verb: 'write', name: 'web' },
      { resource: 'service', verb: 'write', name: 'db' },
      { resource: 'key', verb: 'read', name: 'a/b' },
      { resource: 'operator', verb: 'write' },
    ];
    expect(JSON.parse((await can(ask, { cookie, 'x-rollcall-page-key': pageKey })).text)).toEqual({ allowed: [true, false, true, false] });
  });

  test('are explained: the rule that decides, and who can grant', async () => {
    const { cookie } = await signIn(await registry.tokenWith('service "web" { policy = "read" }'));
    const ask = [{ resource: 'service', verb: 'read', name: 'web' }, { resource: 'service', verb: 'write', name: 'web' }];
    const explained = async (headers: Record<string, string>) => (await registry.json<{ denials: unknown[] }>('/ui/api/can', { method: 'POST', headers, body: JSON.stringify({ ask, explain: true }) })).denials;
    const denial = { resource: 'service', verb: 'write', name: 'web', namespace: 'default' };
    expect(await explained({ cookie, 'x-rollcall-page-key': pageKey })).toEqual([null, expect.objectContaining({ ...denial, rule: expect.objectContaining({ text: 'service "web" { policy = "read" }' }) as object, grantors: { tokens: ['Initial Management Token'], policies: expect.arrayContaining(['global-management']) as string[] } })]);
    expect((await explained({}))[1]).toEqual({ ...denial, subject: 'the anonymous token', rule: { source: 'default policy', text: 'deny' } });
  });

  test.each([
    ['PUT', '/rollcall/v1/instance/status', { service: 'web', id: 'a', override: 'draining' }, 'service'],
    ['PUT', '/rollcall/v1/routes?service=web', { format: 1, rules: [] }, 'service'],
    ['POST', '/rollcall/v1/locks/session', { name: 'l', session: { id: '8c7d4a52-6f1e-4a57-9d26-6d0c1f1f8a11', token: 'x'.repeat(32) }, ttlMs: 1_000 }, 'lock'],
    ['POST', '/rollcall/v1/config/publish?app=a&name=b', { content: 'x' }, 'config-publish'],
  ])('that are missing are explained by %s %s as well', async (method, path, body, resource) => {
    const { cookie } = await signIn(await registry.tokenWith('service "web" { policy = "read" }'));
    const { status, text } = await registry.ask(path, { method, headers: { cookie, 'x-rollcall-page-key': pageKey }, body: JSON.stringify(body) });
    expect([status, JSON.parse(text)]).toEqual([403, { code: 'permission_denied', message: expect.any(String) as string, denial: expect.objectContaining({ resource, rule: expect.any(Object) as object }) as object }]);
  });

  test.each([[undefined], ['x'], [[5]], [[{ resource: 'nothing', verb: 'read' }]], [[{ resource: 'service', verb: 'eat' }]], [[{ resource: 'service', verb: 'read', namespace: 'no good' }]], [Array.from({ length: 1_001 }, () => ({}))]])(
    'cannot be asked for by %j',
    async (ask) => {
      expect((await can(ask, {})).status).toBe(400);
    },
  );
});

describe('services with the health of their instances', () => {
  test('are those that the caller may read, and change their tag with each change', async () => {
    const { cookie } = await signIn(await registry.tokenWith('service "web" { policy = "read" }'));
    const first = await registry.ask('/rollcall/v1/health', { headers: { cookie, 'x-rollcall-page-key': pageKey } });
    expect(JSON.parse(first.text)).toEqual({ services: [{ service: 'web', tags: ['a', 'b'], instances: 2, passing: 1, warning: 0, starting: 0, draining: 0, critical: 1, maintenance: 0, can: ['read'] }] });
    const tag = { cookie, 'x-rollcall-page-key': pageKey, 'if-none-match': first.headers.get('etag') ?? '' };
    expect((await registry.ask('/rollcall/v1/health', { headers: tag })).status).toBe(304);
    await put('/v1/agent/check/update/service:b', { Status: 'passing' });
    expect((await registry.ask('/rollcall/v1/health', { headers: tag })).text).toContain('"passing":2');
    expect(JSON.parse((await registry.ask('/rollcall/v1/health')).text)).toEqual({ services: [] });
  });
});

test('every path has an answer, and none is a 5xx', async () => {
  const texts = fc.string({ unit: fc.constantFrom('/', '%', '2', 'f', '.', '\\', ' ', 'a', 'é') });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.values(surface).map(({ path }) => path)), texts, async (pattern, part) => {
      expect((await registry.ask(pattern.replace('{path}', encodeURI(part)).replaceAll('\\', '%5C'), { ...management, redirect: 'manual' })).status).toBeLessThan(500);
    }),
  );
});
