/** The JSON API of webhooks on a real server: what is set is shown without its secret, errors, rights and the audit log. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { memory } from '../../engine/memory/memory.ts';

const key = Buffer.alloc(32, 3).toString('base64');
const secret = `whsec_${key}`;
const hook = { url: 'http://127.0.0.1:9/hook', secret, events: ['service.empty'] };

let registry: ConfigServer;
beforeAll(async () => {
  registry = await ConfigServer.start({ engine: memory(), acl: { initialManagement: managementToken } });
});
afterAll(() => registry[Symbol.asyncDispose]());

async function ask(method: string, path: string, { body, token = managementToken, namespace }: { body?: object; token?: string; namespace?: string } = {}) {
  const { status, text } = await registry.ask(`/rollcall/v1/webhooks${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(namespace === undefined ? {} : { 'x-rollcall-namespace': namespace }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status, text, json: JSON.parse(text) as Readonly<Record<string, unknown>> };
}

describe('a webhook', () => {
  it('is set, shown without its secret, replaced with the same one, and deleted', async () => {
    expect(await ask('PUT', '?name=pager', { body: hook })).toMatchObject({ status: 200, json: { done: true } });
    expect(await ask('PUT', '?name=pager', { body: { url: hook.url, events: ['member.left'], services: ['a'], forMs: 1, disabled: true } })).toMatchObject({ status: 200 });
    const shown = { name: 'pager', url: hook.url, events: ['member.left'], services: ['a'], forMs: 1, disabled: true, isSender: true, waiting: 0, dropped: 0, deliveries: [] };
    const { json, text } = await ask('GET', '');
    expect(json).toEqual({ webhooks: [shown] });
    expect(text).not.toContain(key);
    expect((await ask('GET', '?name=pager')).json).toEqual({ webhooks: [shown] });
    const headers = { authorization: `Bearer ${managementToken}` };
    const tag = (await registry.ask('/rollcall/v1/webhooks', { headers })).headers.get('etag') ?? '';
    expect((await registry.ask('/rollcall/v1/webhooks', { headers: { ...headers, 'if-none-match': tag } })).status).toBe(304);
    expect((await ask('DELETE', '?name=pager')).json).toEqual({ done: true });
    expect((await ask('DELETE', '?name=pager')).json).toEqual({ done: false });
  });

  it('is tested, and says why nothing arrived', async () => {
    await ask('PUT', '?name=pager', { body: hook });
    expect((await ask('POST', '/test?name=pager')).json).toEqual({ delivered: false, error: expect.stringContaining('ECONNREFUSED') as string });
    await ask('DELETE', '?name=pager');
  });

  it.each([
    ['GET', '?name=none', undefined, 404, 'there is no webhook "none"'],
    ['POST', '/test?name=none', undefined, 404, 'there is no webhook "none"'],
    ['PUT', '', hook, 400, 'the query lacks name'],
    ['PUT', '?name=a/b', hook, 400, 'the name "a/b"'],
    ['PUT', '?name=a', { ...hook, events: ['x'] }, 400, 'instance.critical'],
    ['PUT', '?name=a', { ...hook, secret: 'hunter2' }, 400, 'secret must be whsec_'],
    ['PUT', '?name=a', { ...hook, more: 1 }, 400, 'more'],
  ])('%s %s answers with the reason', async (method, path, body, status, message) => {
    const answer = await ask(method, path, body === undefined ? {} : { body });
    expect([answer.status, answer.json['message']]).toEqual([status, expect.stringContaining(message)]);
    expect(answer.text).not.toContain('hunter2');
  });

  it('needs operator rights, and is in the audit log without its secret', async () => {
    const reader = await registry.tokenWith('operator = "read"');
    const other = await registry.tokenWith('service_prefix "" { policy = "write" }');
    expect((await ask('GET', '', { token: other })).status).toBe(403);
    expect((await ask('GET', '', { token: reader })).status).toBe(200);
    for (const [method, path, body] of [['PUT', '?name=p', hook], ['DELETE', '?name=p', undefined], ['POST', '/test?name=p', undefined]] as const) {
      expect((await ask(method, path, { token: reader, ...(body === undefined ? {} : { body }) })).status).toBe(403);
    }
    await ask('PUT', '?name=p', { body: hook });
    const { text } = await registry.ask('/rollcall/v1/activity?text=webhooks', { headers: { authorization: `Bearer ${managementToken}` } });
    expect(text).toContain('PUT /rollcall/v1/webhooks of \\"p\\"');
    expect(text).not.toContain(key);
  });

  it('is in a backup with its secret, and in no diff', async () => {
    await ask('PUT', '?name=kept', { body: hook });
    const headers = { authorization: `Bearer ${managementToken}` };
    const backup = Buffer.from(await (await fetch(`${registry.server.url}/rollcall/v1/backup`, { headers })).arrayBuffer());
    await ask('DELETE', '?name=kept');
    expect((await registry.ask('/rollcall/v1/restore', { method: 'PUT', body: backup, headers })).status).toBe(200);
    expect((await ask('PUT', '?name=kept', { body: { url: hook.url, events: ['member.left'] } })).status).toBe(200);
    const diff = await registry.ask('/rollcall/v1/history/diff?from=r1', { headers });
    expect(diff.text).not.toContain(key);
  });
});
