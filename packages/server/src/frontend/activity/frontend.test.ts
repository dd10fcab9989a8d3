/** The activity of real servers: who may read it, and that changes, denials, wrong tokens and sign-ins of the console are in it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import type { Engine } from '../../engine/engine.ts';
import { memory } from '../../engine/memory/memory.ts';
import type { NodesPage } from '../../net/activity-log.ts';

let folder: string;
let registry: ConfigServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-activity-'));
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken }, auditFile: join(folder, 'audit.log') });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const find = (query = '', token = managementToken) => registry.ask(`/rollcall/v1/activity${query}`, bearer(token));

/** Waits until the newest lines are written. */
async function shown(query: string, actions: readonly string[], token = managementToken): Promise<NodesPage & { readonly lines: readonly { readonly person?: string }[] }> {
  let page: NodesPage | undefined;
  await expect.poll(async () => (page = JSON.parse((await find(query, token)).text) as NodesPage).lines.slice(0, actions.length).map(({ action }) => action)).toEqual(actions);
  return page as NodesPage;
}

test('changes, denials, wrong tokens and sign-ins are in it, with who, where and how', async () => {
  const reader = await registry.tokenWith('service_prefix "" { policy = "read" }');
  await registry.ask('/v1/kv/app/x', { method: 'PUT', body: 'secret', headers: { 'x-consul-token': managementToken } });
  await registry.ask('/v1/kv/app/x', { method: 'PUT', body: 'secret', headers: { 'x-consul-token': reader } });
  await registry.ask('/rollcall/v1/locks?name=x', bearer('wrong'));
  const pageKey = { 'x-rollcall-page-key': Buffer.alloc(32, 1).toString('base64url') };
  const { headers } = await registry.ask('/ui/api/session', { method: 'POST', headers: pageKey, body: JSON.stringify({ token: reader }) });
  await registry.ask('/ui/api/session', { method: 'DELETE', headers: { ...pageKey, cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '' } });
  const { lines } = await shown('', ['sign out of the console', 'sign in to the console with a token', 'an unknown token', 'PUT /v1/kv/app/x', 'PUT /v1/kv/app/x']);
  expect(lines.slice(0, 5).map(({ kind, via, node, address }) => [kind, via, node, address])).toEqual([
    ['login', 'console', 'server-1', '127.0.0.1'],
    ['login', 'console', 'server-1', '127.0.0.1'],
    ['unauthenticated', 'locks', 'server-1', '127.0.0.1'],
    ['denied', 'consul', 'server-1', '127.0.0.1'],
    ['write', 'consul', 'server-1', '127.0.0.1'],
  ]);
  expect((await find()).text).not.toContain('secret');
  await shown('?kind=denied', ['PUT /v1/kv/app/x']);
  await shown(`?kind=login&text=SIGN+OUT&person=${lines[0]?.accessorId}`, ['sign out of the console']);
});

test('as of a past time or a revision it has the lines that were written by then', async () => {
  await registry.ask('/v1/kv/app/before', { method: 'PUT', body: '1', headers: { 'x-consul-token': managementToken } });
  const time = (await shown('?limit=1', ['PUT /v1/kv/app/before'])).lines[0]?.time ?? '';
  const { revision } = registry.server.registry.state;
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(time) + 1);
  await registry.ask('/v1/kv/app/after', { method: 'PUT', body: '1', headers: { 'x-consul-token': managementToken } });
  await shown('?limit=1', ['PUT /v1/kv/app/after']);
  for (const at of [String(Date.parse(time)), `r${revision}`]) {
    const { headers, text } = await find(`?limit=1&at=${at}`);
    expect(Number(headers.get('x-rollcall-as-of'))).toBeGreaterThan(Date.now() - 600_000);
    expect((JSON.parse(text) as NodesPage).lines.map(({ action }) => action).filter((action) => action === 'PUT /v1/kv/app/after')).toEqual([]);
  }
  expect((await find('?at=yesterday')).status).toBe(400);
});

test('names of people are for callers with acl:read, and all of it needs operator:read', async () => {
  const named = await registry.tokenWith('operator = "read" acl = "read"');
  const unnamed = await registry.tokenWith('operator = "read"');
  await registry.ask('/v1/kv/app/y', { method: 'PUT', body: '1', headers: { 'x-consul-token': managementToken } });
  expect((await shown('?limit=1', ['PUT /v1/kv/app/y'], named)).lines[0]?.person).toBe('Initial Management Token');
  expect((await shown('?limit=1', ['PUT /v1/kv/app/y'], unnamed)).lines[0]?.person).toBeUndefined();
  expect((await find('', await registry.tokenWith('service_prefix "" { policy = "read" }'))).status).toBe(403);
});

test('a page that asks again gets an answer only when there is news', async () => {
  await registry.ask('/v1/kv/app/z', { method: 'PUT', body: '1', headers: { 'x-consul-token': managementToken } });
  await shown('?limit=1', ['PUT /v1/kv/app/z']);
  const { headers } = await find('?limit=1');
  const again = () => registry.ask('/rollcall/v1/activity?limit=1', { headers: { ...bearer(managementToken).headers, 'if-none-match': headers.get('etag') ?? '' } });
  expect((await again()).status).toBe(304);
  await registry.ask('/v1/kv/app/z', { method: 'PUT', body: '2', headers: { 'x-consul-token': managementToken } });
  await expect.poll(async () => (await again()).status).toBe(200);
});

test.each(['kind=nothing', 'limit=0', 'limit=501', 'limit=x', 'from=-1', 'before=x', 'unknown=1', `text=${'x'.repeat(2_000)}`])('?%s is refused by name', async (query) => {
  const { status, text } = await find(`?${query}`);
  expect([status, JSON.parse(text)]).toEqual([400, { code: 'invalid_argument', message: expect.any(String) as string }]);
});

describe('of two servers on one store', () => {
  test('is the same list at each, and says that it does not outlive them without a file', async () => {
    const store = memory();
    onTestFinished(() => store.close());
    const engine: Engine = { ...store, exclusive: false, close: () => Promise.resolve() };
    await using one = await ConfigServer.start({ engine, nodeName: 's1' });
    await using two = await ConfigServer.start({ engine, nodeName: 's2' });
    await one.ask('/v1/kv/a', { method: 'PUT', body: '1' });
    await two.ask('/v1/kv/b', { method: 'PUT', body: '1' });
    for (const server of [one, two]) {
      const page = async () => {
        const { lines, nodes, missing } = await server.json<NodesPage>('/rollcall/v1/activity?text=/v1/kv');
        return { lines: lines.map(({ node, action }) => `${node}: ${action}`), nodes: nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1)), missing };
      };
      await expect.poll(page).toEqual({ lines: ['s2: PUT /v1/kv/b', 's1: PUT /v1/kv/a'], nodes: [{ node: 's1', isLasting: false }, { node: 's2', isLasting: false }], missing: [] });
    }
  });
});
