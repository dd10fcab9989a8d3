/** Which callers may use the operator's routes, on a real server with access control. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { findInstance } from '../../registry/kind/catalog/find.ts';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import type { ServerOptions } from '../../server-options.ts';
import { createServer, type Server } from '../../server.ts';
import { routes } from './routes.ts';

let server: Server;
let grants: Grantor;

async function start(options: ServerOptions = {}): Promise<void> {
  server = await createServer({ acl: { initialManagement: management }, nodeName: 'here', ...options });
  grants = grantor(server.registry);
}

async function stop(): Promise<void> {
  grants.close();
  await server.close();
}

beforeEach(() => start());
afterEach(stop);

async function call(method: string, path: string, token?: string, body?: Buffer): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
}

const callers: Readonly<Record<string, string | undefined>> = {
  'no token': undefined,
  'wrong token': 'wrong',
  read: 'agent_prefix "" { policy = "read" } operator = "read" acl = "read"',
  write: 'agent_prefix "" { policy = "write" } operator = "write" acl = "read"',
  'another agent': 'agent "there" { policy = "write" } node_prefix "" { policy = "write" } service_prefix "" { policy = "write" }',
  management: undefined,
};

/** Statuses for the callers, in their order. */
const matrix: Readonly<Record<string, readonly number[]>> = {
  '/metrics': [403, 401, 200, 200, 403, 200],
  '/healthz': [200, 200, 200, 200, 200, 200],
  '/readyz': [200, 200, 200, 200, 200, 200],
  '/rollcall/v1/status': [403, 401, 200, 200, 403, 200],
  '/rollcall/v1/cluster': [403, 401, 200, 200, 403, 200],
  '/rollcall/v1/backup': [403, 401, 403, 403, 403, 200],
  // An admitted caller gets an error about the backup.
  '/rollcall/v1/restore': [403, 401, 403, 403, 403, 400],
  '/rollcall/v1/expiry/override': [403, 401, 403, 200, 403, 200],
  // A caller that may do so is told that the server is alone.
  '/rollcall/v1/leave': [403, 401, 403, 400, 403, 400],
  // A request that names no service is refused before permissions are looked at.
  '/rollcall/v1/instance/status': [400, 401, 400, 400, 400, 400],
  '/rollcall/v1/service': [400, 401, 400, 400, 400, 400],
  '/rollcall/v1/openapi.json': [200, 200, 200, 200, 200, 200],
};

describe('the matrix', () => {
  it('has every route', () => {
    expect(Object.keys(matrix)).toEqual(routes.map(({ path }) => path));
  });

  const cells = routes.flatMap(({ path, methods }) => methods.map((method) => [method, path] as const));
  it.each(cells)('%s %s', async (method, path) => {
    const statuses = [];
    for (const [who, rules] of Object.entries(callers)) {
      const made = rules !== undefined && rules !== 'wrong' ? await grants.token(rules) : undefined;
      const token = who === 'management' ? management : (made?.secret ?? rules);
      const body = method === 'PUT' || method === 'POST' ? Buffer.from('x') : undefined;
      const answer = await call(method, path, token, body);
      statuses.push(answer.status);
      await answer.arrayBuffer();
    }
    expect(statuses).toEqual(matrix[path]);
  });
});

describe('a request about a service', () => {
  const rules: Readonly<Record<string, string | undefined>> = {
    'no token': undefined,
    'read of the service': 'service "web" { policy = "read" }',
    'write of another service': 'service "other" { policy = "write" }',
    operator: 'operator = "write"',
    'write of the service': 'service "web" { policy = "write" }',
  };

  it.each<[method: string, path: string, body: object | undefined, statuses: readonly number[]]>([
    ['PUT', 'instance/status', { service: 'web', id: 'i', override: 'out_of_service' }, [403, 403, 403, 403, 200]],
    ['GET', 'service?name=web', undefined, [403, 200, 403, 403, 200]],
    ['PUT', 'service?name=web', { meta: { owner: 'shop' } }, [403, 403, 403, 403, 200]],
    ['DELETE', 'service?name=web', undefined, [403, 403, 403, 403, 200]],
  ])('%s %s needs a permission on that service', async (method, path, body, statuses) => {
    await server.registry.submit({
      ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure' },
      instances: [{ id: 'i', service: 'web' }],
    });
    const found = [];
    for (const rule of Object.values(rules)) {
      const token = rule === undefined ? undefined : (await grants.token(rule)).secret;
      const answer = await call(method, `/rollcall/v1/${path}`, token, body && Buffer.from(JSON.stringify(body)));
      found.push(answer.status);
      await answer.arrayBuffer();
    }
    expect(found).toEqual(statuses);
  });
});

describe('a namespace without rights', () => {
  const rules = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } key_prefix "" { policy = "write" }';
  const guests: Readonly<Record<string, string | undefined>> = { 'no token': undefined, 'rules of default': rules, 'rules for red': `namespace "red" { acl = "write" ${rules} }` };

  /** Each route about an instance of a namespace, in the query and in the body; a route ignores fields that it does not read. */
  const about = (namespace: string, word: string) =>
    routes.flatMap(({ path, methods, access }) =>
      access.kind === 'open' ? [] : methods.map((method) => [method, `${path}?namespace=${namespace}&name=${word}-svc`, { namespace, service: `${word}-svc`, id: `${word}-1`, override: 'down' }] as const),
    );

  it.each(Object.keys(guests))('is answered as one that does not exist, and stays as it is: %s', async (who) => {
    for (const name of ['red', 'blue']) await server.registry.submit({ kind: 'namespace-put', name });
    const instances = [{ id: 'azure-1', service: 'azure-svc', tags: ['azure-tag'] }];
    await server.registry.submit({ kind: 'register', namespace: 'blue', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure', instances });
    const held = () => findInstance(server.registry.state, 'blue', 'n', 'azure-1');
    const before = held();
    const rule = guests[who];
    const secret = rule === undefined ? undefined : (await grants.token(rule)).secret;
    const ghosts = about('ghost', 'lilac');
    for (const [at, [method, path, body]] of about('blue', 'azure').entries()) {
      const ask = async ([verb, target, given]: readonly [string, string, object]) => {
        const answer = await call(verb, target, secret, verb === 'PUT' || verb === 'POST' ? Buffer.from(JSON.stringify(given)) : undefined);
        return `${answer.status} ${await answer.text()}`.replaceAll('azure', 'lilac').replaceAll('blue', 'ghost');
      };
      const told = await ask([method, path, body]);
      expect([method, path, told]).toEqual([method, path, await ask(ghosts[at] as readonly [string, string, object])]);
      expect([method, path, told]).toEqual([method, path, expect.stringMatching(/^40[03] /)]);
    }
    expect(held()).toBe(before);
  });
});

describe('a refusal', () => {
  it('says which permission is missing', async () => {
    const answer = await call('GET', '/rollcall/v1/status', (await grants.token('key "a" { policy = "read" }')).secret);
    expect(await answer.json()).toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(/^token \S+ lacks permission 'operator:read' in namespace "default"$/),
    });
    expect(await (await call('GET', '/metrics')).json()).toMatchObject({ message: expect.stringContaining(`'agent:read' on "here"`) });
  });

  it('for a wrong token asks for another one, and after many of them asks to wait', async () => {
    const first = await call('GET', '/metrics', 'wrong');
    expect([first.status, first.headers.get('www-authenticate'), await first.json()]).toEqual([
      401,
      'Bearer',
      { code: 'unauthenticated', message: 'no token has this secret, or the token has expired' },
    ]);
    let last = first;
    for (let guesses = 0; guesses < 100 && last.status === 401; guesses++) last = await call('GET', '/metrics', `guess-${guesses}`);
    expect([last.status, last.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await call('GET', '/healthz')).status).toBe(200);
  });
});

it('without access control, every caller is admitted, with any token', async () => {
  await stop();
  await start({ acl: undefined as never });
  for (const token of [undefined, 'wrong']) expect((await call('GET', '/rollcall/v1/status', token)).status).toBe(200);
});

it('the audit log has restores, backups and overrides, and refused requests', async () => {
  await stop();
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-audit-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  await start({ auditFile: join(dir, 'audit') });
  const backup = Buffer.from(await (await call('GET', '/rollcall/v1/backup', management)).arrayBuffer());
  expect((await call('PUT', '/rollcall/v1/restore', management, backup)).status).toBe(200);
  for (const path of ['/rollcall/v1/status', '/rollcall/v1/backup']) await call('GET', path);
  await call('GET', '/metrics', management);
  await call('PUT', '/rollcall/v1/service?name=web', management, Buffer.from('{}'));
  await call('GET', '/rollcall/v1/service?name=web', management);
  await fetch(`${server.url}/rollcall/v1/status`, { headers: { origin: 'https://evil.test' } });
  await stop();
  const lines = readFileSync(join(dir, 'audit'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
  expect(lines.map(({ via, kind, action }) => [via, kind, action])).toEqual([
    ['admin', 'write', 'GET /rollcall/v1/backup'],
    ['admin', 'write', 'PUT /rollcall/v1/restore'],
    ['admin', 'denied', 'GET /rollcall/v1/status'],
    ['admin', 'denied', 'GET /rollcall/v1/backup'],
    ['admin', 'write', 'PUT /rollcall/v1/service'],
    ['admin', 'denied', expect.stringMatching(/^GET \/rollcall\/v1\/status, for a page: origin/)],
  ]);
  await start();
});
