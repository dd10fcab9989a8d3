/**
 * The OpenAPI document of a real server: it is valid, it has every route of the tables, and the real answer of every route fits what it
 * says. A route without a request here fails the test.
 */

import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { described as actionRoutes } from './frontend/actions/routes.ts';
import { described as catalogRoutes } from './frontend/catalog/routes.ts';
import { routes as adminRoutes } from './frontend/admin/routes.ts';
import { routes as accessRoutes } from './frontend/access/routes.ts';
import { routes as activityRoutes } from './frontend/activity/routes.ts';
import { described as agentRoutes } from './frontend/agents/routes.ts';
import { described as clientRoutes } from './frontend/clients/routes.ts';
import { described as consoleRoutes } from './frontend/console/routes.ts';
import { routes as configRoutes } from './frontend/config/routes.ts';
import { described as historyRoutes } from './frontend/history/routes.ts';
import { described as keyRoutes } from './frontend/keys/routes.ts';
import { routes as lockRoutes } from './frontend/locks/routes.ts';
import { routes as prometheusRoutes } from './frontend/prometheus/routes.ts';
import { routes as routeRoutes } from './frontend/routes/routes.ts';
import { routes as webhookRoutes } from './frontend/webhooks/routes.ts';
import { memory } from './engine/memory/memory.ts';
import { openApi, type DescribedRoute } from './net/open-api.ts';
import { createServer, type Server } from './server.ts';

interface Described {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: { readonly '200': { readonly content?: Readonly<Record<string, { readonly schema: object }>> } };
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: { readonly Error: object } };
}

let server: Server;
let document: Document;

beforeAll(async () => {
  server = await createServer({ engine: memory(), nodeName: 'server-1' });
  await fetch(`${server.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: 'web', ID: 'web-1', Port: 80, Tags: ['a'], Meta: { k: 'v' } }) });
  document = (await (await fetch(`${server.url}/rollcall/v1/openapi.json`)).json()) as Document;
});
afterAll(() => server.close());

const tables: readonly DescribedRoute[] = [...adminRoutes, ...configRoutes, ...prometheusRoutes, ...lockRoutes, ...keyRoutes, ...routeRoutes, ...agentRoutes, ...actionRoutes, ...catalogRoutes, ...clientRoutes, ...consoleRoutes, ...activityRoutes, ...accessRoutes, ...historyRoutes, ...webhookRoutes];
const operations = tables.flatMap((route) => route.methods.map((method) => ({ name: `${method} ${route.path}`, method, path: route.path, access: route.access })));

const shop = '?app=shop&name=app';
const plan = { stages: [{ percent: 50, bakeMs: 600_000 }, { count: 1, bakeMs: 1 }], alarm: { on: ['unhealthy'], share: 0.5, atLeast: 2 }, service: 'web' };

/** Revision of the only row of a kind. */
function revisionOf(kind: string): number {
  const [, row] = [...server.registry.state.rows()].find(([key]) => key.startsWith(`${kind}\0`)) ?? [];
  return row?.modified ?? 0;
}

/** Number of the only proposal. */
function proposal(): number {
  const [, row] = [...server.registry.state.rows()].find(([key]) => key.startsWith('config-proposal\0')) ?? [];
  return (row as { readonly number?: number } | undefined)?.number ?? 0;
}

/** HEAD is asked when the requests below have been made, so only what is there then is asked about. */
function queryOfHead(path: string): string {
  const more: Readonly<Record<string, string>> = { '/rollcall/v1/config/release': '&number=1', '/rollcall/v1/config/diff': '&from=0&to=1', '/rollcall/v1/config/proposal': `&number=${proposal()}` };
  if (path === '/rollcall/v1/routes' || path === '/rollcall/v1/instances') return '?service=web';
  if (path === '/rollcall/v1/nodes/one') return '?name=server-1';
  return path.startsWith('/rollcall/v1/config') ? `${shop}${more[path] ?? ''}` : '';
}

const lockSession = { id: '7d0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c22', token: '1c6a1f7e-5b7f-4a55-9b3b-2f1a8b1f0d9e' };
const lockContender = { session: lockSession, name: 'jobs/a', contender: '9e0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c33' };

/** A request for each, in this order: path with query, body. The node cannot leave, since the store is its own: that is an error. */
const requests: Readonly<Record<string, { readonly query?: string | (() => string); readonly body?: object | (() => object) | 'a backup'; readonly status?: number }>> = {
  'GET /metrics': {},
  'GET /healthz': {},
  'GET /readyz': {},
  'GET /rollcall/v1/status': {},
  'GET /rollcall/v1/cluster': {},
  'GET /rollcall/v1/openapi.json': {},
  'PUT /rollcall/v1/service': { query: '?name=web', body: { meta: { owner: 'shop' }, protectThreshold: 0.5 } },
  'GET /rollcall/v1/service': { query: '?name=web&namespace=default' },
  'PUT /rollcall/v1/instance/status': { body: { service: 'web', id: 'web-1', override: 'draining', enabled: false } },
  'DELETE /rollcall/v1/service': { query: '?name=web' },
  'GET /rollcall/v1/backup': {},
  'PUT /rollcall/v1/restore': { body: 'a backup' },
  'POST /rollcall/v1/restore': { body: 'a backup' },
  'POST /rollcall/v1/expiry/override': {},
  'POST /rollcall/v1/leave': { status: 400 },
  'PUT /rollcall/v1/config/environment': { query: '?environment=default', body: { order: 1, policy: { historyMax: 50, freezes: [{ fromMs: 1, toMs: 2, why: 'past' }], rollout: plan } } },
  'DELETE /rollcall/v1/config/environment': { query: '?environment=default' },
  'POST /rollcall/v1/config/settings': { query: shop, body: { description: 'd', parents: [{ app: 'base', name: 'app' }], visibility: 'public', schema: '{"type":"object"}', checks: [{ expect: 'keys["a"] != "9"' }] } },
  'POST /rollcall/v1/config/publish': { query: `${shop}&by=ann`, body: { content: '{"a": 1}', format: 'json', message: 'm' } },
  'POST /rollcall/v1/config/draft/save': { query: shop, body: { content: '{"a": 2}', format: 'json', cas: 0 } },
  'POST /rollcall/v1/config/check': { query: shop, body: { content: '{"a": 3}', format: 'json', publishing: true } },
  'GET /rollcall/v1/config/draft': { query: shop },
  'POST /rollcall/v1/config/propose': { query: shop, body: () => ({ draft: revisionOf('config-draft'), message: 'm', rollout: { name: 'release', rule: { kind: 'app', apps: ['shop'] }, plan } }) },
  'GET /rollcall/v1/config/approvers': { query: () => `${shop}&number=${proposal()}` },
  'GET /rollcall/v1/config/pending': {},
  'GET /rollcall/v1/config/proposals': { query: '?environment=default&app=shop&state=open' },
  'GET /rollcall/v1/config/proposal': { query: () => `${shop}&number=${proposal()}` },
  'POST /rollcall/v1/config/proposal/approve': { query: `${shop}&by=bob`, body: () => ({ number: proposal() }) },
  'POST /rollcall/v1/config/proposal/publish': { query: shop, body: () => ({ number: proposal() }) },
  'POST /rollcall/v1/config/report': { query: shop, body: { release: 2, instance: 'n/web-1', error: 'e' } },
  'GET /rollcall/v1/config/who': { query: `${shop}&service=web` },
  'GET /rollcall/v1/config/old-keys': { query: '?environment=default' },
  'GET /rollcall/v1/config': { query: shop },
  'POST /rollcall/v1/config/rollout': { query: shop, body: { rollout: 'release', action: 'complete', message: 'm' } },
  'GET /rollcall/v1/config/list': { query: '?app=shop&environment=default&environment=none' },
  'GET /rollcall/v1/config/resolve': { query: `${shop}&label=a%3Db&instance=n%2Fi` },
  'GET /rollcall/v1/config/history': { query: shop },
  'GET /rollcall/v1/config/release': { query: `${shop}&number=1` },
  'GET /rollcall/v1/config/diff': { query: `${shop}&from=1&to=2` },
  'POST /rollcall/v1/config/rollback': { query: shop, body: { to: 2 } },
  'POST /rollcall/v1/config/proposal/withdraw': { query: shop, body: { number: 1 }, status: 404 },
  'POST /rollcall/v1/config/draft/discard': { query: shop, body: {} },
  'POST /rollcall/v1/config/remove': { query: shop, body: { message: 'm' } },
  // There is none of that name: the answer has the same form, with false.
  'POST /rollcall/v1/config/delete': { query: '?app=shop&name=never-published', body: { message: 'm' } },
  'GET /rollcall/v1/config/environments': {},
  'GET /rollcall/v1/config/environment/history': { query: '?environment=default' },
  'POST /rollcall/v1/locks/session': { body: { session: lockSession, name: 'jobs/a', ttlMs: 60_000 } },
  'POST /rollcall/v1/locks/acquire': { body: { ...lockContender, value: 'host-1', limit: 1, waitMs: 0 } },
  'GET /rollcall/v1/locks': { query: '?name=jobs%2Fa&namespace=default' },
  'GET /rollcall/v1/locks/list': { query: '?namespace=default&filter=jobs&limit=10' },
  'GET /rollcall/v1/locks/keys': { query: '?namespace=default&after=a' },
  'POST /rollcall/v1/locks/hand-over': { body: { name: 'jobs/a', contender: lockContender.contender, to: lockSession.id, reason: 'r' }, status: 404 },
  'POST /rollcall/v1/locks/expel': { body: { namespace: 'default', name: 'jobs/none', contender: lockContender.contender, reason: 'r' } },
  'GET /rollcall/v1/keys': { query: '?prefix=a&separator=%2F&limit=5&namespace=default' },
  'GET /rollcall/v1/keys/count': { query: '?prefix=a' },
  'POST /rollcall/v1/locks/renew': { body: { session: lockSession, grants: [{ name: 'jobs/a', contender: lockContender.contender, token: '1' }] } },
  'POST /rollcall/v1/locks/transfer': { body: { ...lockContender, to: lockSession.id }, status: 404 },
  'POST /rollcall/v1/locks/release': { body: lockContender },
  'POST /rollcall/v1/locks/end': { body: { session: lockSession } },
  'GET /rollcall/v1/nodes': {},
  'GET /rollcall/v1/nodes/one': { query: '?name=server-1' },
  'GET /rollcall/v1/instances': { query: '?service=web' },
  'POST /rollcall/v1/actions': { body: { action: 'weight', weight: 2, instances: [{ service: 'web', id: 'web-1' }, { service: 'web', id: 'none' }], reason: 'a test' } },
  'GET /rollcall/v1/health': {},
  'GET /rollcall/v1/search': { query: '?q=web&limit=5' },
  'GET /rollcall/v1/overview': {},
  'GET /rollcall/v1/clients': { query: '?namespace=default&service=web&limit=5&search=w' },
  'GET /rollcall/v1/topology': { query: '?namespace=default' },
  // The server of this test has no access control; frontend/access/frontend.test.ts compares its answers with the document.
  'GET /rollcall/v1/access/tokens': { status: 412 },
  'POST /rollcall/v1/access/tokens': { body: { description: 'd', policies: [], ttlMs: 60_000 }, status: 412 },
  'PUT /rollcall/v1/access/tokens': { body: { accessorId: lockSession.id }, status: 412 },
  'DELETE /rollcall/v1/access/tokens': { status: 412 },
  'GET /rollcall/v1/access/policies': { status: 412 },
  'PUT /rollcall/v1/access/policies': { body: { name: 'p', rules: '' }, status: 412 },
  'DELETE /rollcall/v1/access/policies': { status: 412 },
  'POST /rollcall/v1/access/check': { body: { rules: '' }, status: 412 },
  'GET /rollcall/v1/access/roles': { status: 412 },
  'PUT /rollcall/v1/access/roles': { body: { name: 'r' }, status: 412 },
  'DELETE /rollcall/v1/access/roles': { status: 412 },
  'GET /rollcall/v1/access/methods': { status: 412 },
  'PUT /rollcall/v1/access/methods': { body: { name: 'm', type: 'jwt', config: {} }, status: 412 },
  'DELETE /rollcall/v1/access/methods': { status: 412 },
  'PUT /rollcall/v1/access/rules': { body: { method: 'm', bindType: 'policy', bindName: 'p' }, status: 412 },
  'DELETE /rollcall/v1/access/rules': { status: 412 },
  'POST /rollcall/v1/access/matrix': { body: { name: 'web' }, status: 412 },
  'GET /rollcall/v1/access/can-i': { status: 412 },
  'GET /rollcall/v1/access/who': { status: 412 },
  'GET /rollcall/v1/activity': { query: '?kind=write,denied&limit=5' },
  'GET /rollcall/v1/history': {},
  'GET /rollcall/v1/history/strip': { query: '?service=web&cells=5' },
  'GET /rollcall/v1/history/checks': { query: '?service=web&id=web-1&limit=5' },
  'GET /rollcall/v1/history/diff': { query: () => `?from=${Date.now()}` },
  'GET /rollcall/v1/history/view': { query: () => `?kind=services&at=${Date.now()}` },
  'GET /rollcall/v1/agents': { query: '?limit=5&search=w' },
  // There is none of that name.
  'GET /rollcall/v1/agents/{service}/.well-known/agent-card.json': { status: 404 },
  'PUT /rollcall/v1/routes': { query: '?service=web&cas=0', body: { canary: { select: { version: '2' }, share: 0.1, header: 'x-canary' }, hedging: false, ejection: { outliers: false }, weights: [{ select: { tags: ['a'] }, weight: 0.5 }] } },
  'GET /rollcall/v1/routes': { query: '?service=web&namespace=default&after=0&waitMs=0' },
  'GET /rollcall/v1/routes/list': { query: '?namespace=default' },
  'PUT /rollcall/v1/webhooks': { query: '?name=pager', body: { url: 'http://127.0.0.1:9/hook', secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}`, events: ['service.empty'], services: ['web', 'pay*'], forMs: 1_000 } },
  'GET /rollcall/v1/webhooks': { query: '?name=pager' },
  'POST /rollcall/v1/webhooks/test': { query: '?name=pager' },
  'DELETE /rollcall/v1/webhooks': { query: '?name=pager' },
  'DELETE /rollcall/v1/routes': { query: '?service=none' },
  'GET /prometheus/v1/sd': { query: '?service=web&tag=a&filter=port+%3D%3D+80&namespace=default' },
};

function validator(schema: object): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  return ajv.compile(schema);
}

async function backup(): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${server.url}/rollcall/v1/backup`)).arrayBuffer());
}

test('the document is valid OpenAPI 3.1', async () => {
  expect(await new Validator().validate({ ...structuredClone(document) })).toEqual({ valid: true });
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(document.info.version).toMatch(/^\d+\.\d+\.\d+/);
  const ids = Object.values(document.paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ids.length);
  // The validator can fail.
  expect((await new Validator().validate({ ...structuredClone(document), paths: { 'no-slash': 1 } })).valid).toBe(false);
});

test('it has every route and method of the tables, and no other', () => {
  const listed = Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
  expect(listed.toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
});

test('a front end that does not run is not in it', async () => {
  const small = await createServer({ engine: memory(), frontends: ['admin'] });
  const { paths } = (await (await fetch(`${small.url}/rollcall/v1/openapi.json`)).json()) as Document;
  await small.close();
  expect(Object.keys(paths).toSorted()).toEqual(adminRoutes.map(({ path }) => path).toSorted());
});

describe('a real answer fits the document', () => {
  test.each(Object.keys(requests))('%s', async (name) => {
    const [method = '', path = ''] = name.split(' ');
    const { query: asked = '', body: given, status = 200 } = requests[name] ?? {};
    const query = typeof asked === 'function' ? asked() : asked;
    const body: unknown = typeof given === 'function' ? (given as () => object)() : given;
    const described = document.paths[path]?.[method.toLowerCase()];
    if (described === undefined) throw new Error(`${name} is not described`);
    const json = described.requestBody?.content['application/json'];
    if (json !== undefined) expect(validator(json.schema)(body)).toBe(true);
    const named = (described.parameters ?? []).map((parameter) => parameter.name);
    for (const key of new URLSearchParams(query).keys()) expect(named).toContain(key);
    const sent = body === undefined ? {} : { body: body === 'a backup' ? await backup() : JSON.stringify(body) };
    const response = await fetch(`${server.url}${path}${query}`, { method, ...sent });
    expect(response.status).toBe(status);
    const content = status === 200 ? described.responses['200'].content : { 'application/json': { schema: document.components.schemas.Error } };
    const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(content ?? {});
    expect(response.headers.get('content-type')?.split(';')[0]).toBe(type);
    const value: unknown = type === 'application/json' ? await response.json() : await response.text();
    if (type === 'application/octet-stream') return;
    const validate = validator(schema);
    expect([validate(value), validate.errors]).toEqual([true, null]);
    // No answer may have a field that is not described: an empty object would fit too much.
    if (type === 'application/json' && path !== '/rollcall/v1/openapi.json') expect(validate('not this')).toBe(false);
  });

  test('every operation of the tables is tried', () => {
    const tried = new Set(Object.keys(requests));
    expect(operations.filter(({ name, method }) => method !== 'HEAD' && !tried.has(name))).toEqual([]);
  });

  test('HEAD has the headers of GET and no body', async () => {
    // Nothing is left to resolve and no draft: they were removed above.
    await fetch(`${server.url}/rollcall/v1/config/publish${shop}`, { method: 'POST', body: JSON.stringify({ content: '{}', format: 'json', confirmed: true }) });
    await fetch(`${server.url}/rollcall/v1/config/draft/save${shop}`, { method: 'POST', body: JSON.stringify({ content: '{"b":1}', format: 'json' }) });
    for (const { path, method } of operations.filter((each) => each.method === 'HEAD' && !each.path.startsWith('/rollcall/v1/access'))) {
      const query = path === '/rollcall/v1/service' || path === '/rollcall/v1/locks' ? '?name=web' : queryOfHead(path);
      const response = await fetch(`${server.url}${path}${query}`, { method });
      expect([path, response.status, await response.text()]).toEqual([path, 200, '']);
    }
  });

  test('errors are what the document says', async () => {
    const validate = validator(document.components.schemas.Error);
    for (const path of ['/rollcall/v1/service', '/rollcall/v1/service?name=none', '/prometheus/v1/sd?x=1']) {
      const response = await fetch(server.url + path);
      expect(response.ok).toBe(false);
      expect([validate(await response.json()), validate.errors]).toEqual([true, null]);
    }
  });
});

test('a method that is not described stops the server, as one without access does', () => {
  const route: DescribedRoute = { path: '/x', methods: ['GET'], access: { kind: 'open', why: 'of this test' }, operations: {} };
  expect(() => openApi('1.0.0', [route])).toThrow('the route GET /x is not described in its table');
  expect(() => openApi('1.0.0', [{ ...route, methods: [], operations: { PUT: { summary: '', answer: { type: 'text/plain', schema: {}, description: '' } } } }])).toThrow('the route /x describes PUT, which it does not serve');
});

test('operations say whether they need a token', () => {
  for (const { path, method, access } of operations) {
    expect([path, document.paths[path]?.[method.toLowerCase()]?.security.length]).toEqual([path, access.kind === 'open' ? 0 : 1]);
  }
});
