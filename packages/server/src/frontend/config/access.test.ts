/** Which callers may use each route, on a real server with access control. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ListedConfig } from '@rollcall/protocol';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import { configApi, shop, type Answer, type ConfigApi } from './config.case.ts';
import { routes } from './routes.ts';

let api: ConfigApi;
let grants: Grantor;

beforeAll(async () => {
  api = await configApi({ acl: { initialManagement: management } });
  grants = grantor(api.server.registry);
});
afterAll(async () => {
  grants.close();
  await api[Symbol.asyncDispose]();
});

const tokens = new Map<string, Promise<string>>();
function tokenWith(rules: string): Promise<string> {
  let known = tokens.get(rules);
  if (known === undefined) tokens.set(rules, (known = grants.token(rules).then(({ secret }) => secret)));
  return known;
}

const on = (policy: string, app = 'shop') => `config "${app}/app" { policy = "${policy}" }`;

/** The words of a rule that a route needs, by the permission that it declares. */
const words: Readonly<Record<string, readonly string[]>> = {
  'config:read': ['read', 'edit', 'approve', 'publish', 'reveal', 'write'],
  'config:write': ['edit', 'write'],
  'config-approve:write': ['approve', 'write'],
  'config-publish:write': ['publish', 'write'],
};

/** Bodies that each route reads without an error of form. */
const bodies: Readonly<Record<string, object>> = {
  '/publish': { content: 'x' }, '/remove': { rollout: 'none' }, '/delete': {}, '/settings': {}, '/rollback': { to: 99 }, '/rollout': { rollout: 'none', action: 'stop' },
  '/check': { content: 'y' }, '/draft/save': { content: 'y' }, '/draft/discard': { cas: 1 }, '/propose': { draft: 1 }, '/proposal/approve': { number: 1 }, '/proposal/withdraw': { number: 1 }, '/proposal/publish': { number: 1 },
  '/report': { release: 9, instance: 'n/i', error: '' },
};
const query = { ...shop, number: '1', from: '0', to: '0' };

const ask = (path: string, token: string | undefined, at: Readonly<Record<string, string>> = query): Promise<Answer> => {
  const body = bodies[path];
  return body === undefined ? api.get(path, at, token) : api.post(path, at, body, token);
};

const table = routes.map(({ path, methods, access }) => ({ path: path.slice('/rollcall/v1/config'.length), methods, access }));
const named = table.flatMap(({ path, access }) => (access.kind === 'demands-by-name' && access.resource !== 'operator' ? [{ path, permission: `${access.resource}:${access.verb}` }] : []));

beforeAll(async () => {
  await api.post('/publish', shop, { content: 'x' }, management);
  await api.post('/publish', { app: 'other', name: 'app' }, { content: 'x' }, management);
});

describe.each(named)('$path demands $permission', ({ path, permission }) => {
  const allowed = words[permission] ?? [];

  test('of the configuration, and nothing else is enough', async () => {
    const seen: string[] = [];
    for (const word of ['read', 'edit', 'approve', 'publish', 'reveal', 'write', 'deny']) {
      if ((await ask(path, await tokenWith(on(word)))).status !== 403) seen.push(word);
    }
    expect(seen).toEqual(allowed);
    expect((await ask(path, undefined)).status).toBe(403);
    expect((await ask(path, 'wrong')).status).toBe(401);
    expect((await ask(path, await tokenWith(`${on('write', 'other')} key_prefix "" { policy = "write" } service_prefix "" { policy = "write" } operator = "write"`))).status).toBe(403);
    expect((await ask(path, management)).status).not.toBe(403);
  });

  test('and an environment without rights is answered as one that does not exist', async () => {
    await api.server.registry.submit({ kind: 'namespace-put', name: 'blue' });
    await api.post('/publish', { ...shop, environment: 'blue' }, { content: 'azure' }, management);
    const token = await tokenWith('config_prefix "" { policy = "write" }');
    const told = async (environment: string) => JSON.stringify(await ask(path, token, { ...query, environment })).replaceAll(environment, 'there');
    expect(await told('blue')).toBe(await told('ghost'));
    expect(await told('blue')).not.toContain('azure');
  });
});

test('lists show what the caller may read', async () => {
  const names = async (token: string | undefined, path = '/list') => ((await api.get(path, {}, token)).json as unknown as readonly { readonly app: string }[]).map(({ app }) => app);
  expect([await names(management), await names(await tokenWith(on('read'))), await names(undefined)]).toEqual([['other', 'shop'], ['shop'], []]);
  const { revision } = (await api.post('/draft/save', shop, { content: 'z' }, management)).json as { readonly revision: number };
  await api.post('/propose', shop, { draft: revision }, management);
  expect([await names(management, '/proposals'), await names(await tokenWith(on('read', 'other')), '/proposals')]).toEqual([['shop'], []]);
  await api.server.registry.submit({ kind: 'namespace-put', name: 'blue' });
  const environments = async (token: string) => ((await api.get('/environments', {}, token)).json as unknown as readonly { readonly environment: string }[]).map(({ environment }) => environment);
  expect(await environments(management)).toContain('blue');
  expect(await environments(await tokenWith('namespace "default" { config_prefix "" { policy = "read" } }'))).toEqual(['default']);
});

test('a list of several environments has them in the order asked, and hides those in which the caller has no right', async () => {
  await api.server.registry.submit({ kind: 'namespace-put', name: 'blue' });
  await api.post('/publish', { ...shop, environment: 'blue' }, { content: 'azure' }, management);
  const list = async (environments: readonly string[], token: string, tag = '') => {
    const response = await fetch(`${api.server.url}/rollcall/v1/config/list?${new URLSearchParams([['app', 'shop'], ...environments.map((each): [string, string] => ['environment', each])])}`, { headers: { 'authorization': `Bearer ${token}`, 'if-none-match': tag } });
    const text = await response.text();
    return { status: response.status, tag: response.headers.get('etag') ?? '', text, found: () => (JSON.parse(text) as readonly ListedConfig[]).map(({ environment, app }) => `${environment} ${app}`) };
  };
  const both = await list(['blue', 'default', 'blue', 'ghost'], management);
  expect(both.found()).toEqual(['blue shop', 'default shop']);
  expect((await list(['default', 'blue'], management)).found()).toEqual(['default shop', 'blue shop']);
  const reader = await tokenWith('namespace "default" { config_prefix "" { policy = "read" } }');
  expect((await list(['blue', 'default'], reader)).found()).toEqual(['default shop']);
  expect((await list(['blue', 'default', 'blue', 'ghost'], management, both.tag)).status).toBe(304);
  await api.post('/draft/save', { ...shop, environment: 'blue' }, { content: 'b' }, management);
  const later = await list(['blue', 'default', 'blue', 'ghost'], management, both.tag);
  expect([later.status, later.text.includes('"draft"')]).toEqual([200, true]);
  const many = await list(Array.from({ length: 101 }, (_, n) => `e${n}`), management);
  expect([many.status, many.text]).toEqual([400, expect.stringContaining('the query has 101 environments, the limit is 100') as string]);
});

test.each([
  ['read', ['read']],
  ['edit', ['read', 'edit']],
  ['approve', ['read', 'approve']],
  ['publish', ['read', 'publish']],
  ['reveal', ['read', 'reveal']],
  ['write', ['read', 'edit', 'approve', 'publish', 'reveal']],
])('each configuration says what a caller with the policy %s may do', async (word, can) => {
  const token = await tokenWith(`${on(word, 'shop')} ${on('read', 'other')}`);
  expect((await api.get('', shop, token)).json['can']).toEqual(can);
  const listed = (await api.get('/list', {}, token)).json as unknown as readonly ListedConfig[];
  expect(listed.filter(({ name }) => name === 'app').map(({ app, can: given }) => [app, given])).toEqual([['other', ['read']], ['shop', can]]);
});

test('the list of old keys has what the caller may read', async () => {
  for (const app of ['shop', 'other']) {
    await api.server.registry.submit({ kind: 'config-draft-put', namespace: 'default', app, cluster: 'default', name: 'sealed', content: Buffer.from('{cipher}rollcall:gone:AAAA'), md5: 'm', hash: 'h' });
  }
  const found = async (rules: string) => (await api.get('/old-keys', {}, await tokenWith(rules))).json;
  const needed = (app: string) => ({ environment: 'default', app, cluster: 'default', name: 'sealed', keys: ['gone'], parts: ['draft'] });
  expect(await found('config_prefix "" { policy = "read" }')).toEqual([needed('other'), needed('shop')]);
  expect([await found('config_prefix "shop/" { policy = "read" }'), await found('config_prefix "" { policy = "deny" }')]).toEqual([[needed('shop')], []]);
});

test('the rules of an environment need the right to write its namespace', async () => {
  const put = async (token: string | undefined, environment = 'default') => (await api.ask('PUT', '/environment', { environment }, { order: 1, policy: {} }, token)).status;
  expect(await Promise.all([put(undefined), put(await tokenWith('config_prefix "" { policy = "write" }')), put(await tokenWith('operator = "write"')), put(management)])).toEqual([403, 403, 200, 200]);
});

test('parents of other apps are left out for a caller who may not read them', async () => {
  await api.post('/publish', { app: 'base', name: 'app' }, { content: 'a=1', format: 'properties', settings: { visibility: 'public' } }, management);
  await api.post('/publish', { app: 'child', name: 'app' }, { content: 'b=2', format: 'properties', settings: { parents: [{ app: 'base', name: 'app' }] } }, management);
  const layers = async (rules: string) => ((await api.get('/resolve', { app: 'child', name: 'app' }, await tokenWith(rules))).json['layers'] as readonly object[]).length;
  expect([await layers(on('read', 'child')), await layers(`${on('read', 'child')} ${on('read', 'base')}`)]).toEqual([1, 2]);
});

test('the audit log has every change with the configuration, every refusal, and who has seen secrets', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const own = await configApi({ acl: { initialManagement: management }, auditFile: join(folder, 'audit') });
  await own.post('/publish', shop, { content: 'x' }, management);
  await own.get('', shop, management);
  await own.get('', { ...shop, reveal: 'true' }, management);
  await own.post('/remove', shop, {});
  await own[Symbol.asyncDispose]();
  const lines = readFileSync(join(folder, 'audit'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
  expect(lines.map(({ via, kind, namespace, action }) => [via, kind, namespace, action])).toEqual([
    ['config', 'write', 'default', 'POST /rollcall/v1/config/publish of "shop/app"'],
    ['config', 'write', 'default', 'GET /rollcall/v1/config of "shop/app", with its secrets'],
    ['config', 'denied', 'default', 'POST /rollcall/v1/config/remove of "shop/app"'],
  ]);
});
