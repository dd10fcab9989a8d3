/** Users of a `fetch`: libraries that accept one, and every input of the platform's `fetch`. */

import { createServer } from '@rollcall/server';
import ky, { HTTPError } from 'ky';
import OpenAI from 'openai';
import createClient from 'openapi-fetch';
import { FormData as UndiciFormData, Request as UndiciRequest } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Rollcall } from '../client.ts';
import { connect } from '../connect.ts';
import { deadAuthority, textOf, type WebServer, webServer } from '../http/web-server.case.ts';

interface Asked {
  readonly line: string;
  readonly type: string;
  readonly body: string;
}

let registry: Awaited<ReturnType<typeof createServer>>;
let rollcall: Rollcall;
let server: WebServer;
/** Statuses of the next answers; 200 after them. */
const statuses: number[] = [];
const asked: Asked[] = [];

beforeAll(async () => {
  registry = await createServer();
  server = await webServer(async (request, response) => {
    // A request with a wrong length may break the connection.
    const body = await textOf(request).catch(() => undefined);
    if (body === undefined) return;
    asked.push({ line: `${request.method} ${request.url}`, type: request.headers['content-type'] ?? '', body });
    if (request.url?.startsWith('/v1/chat/') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const content of ['hel', 'lo']) response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
      response.end('data: [DONE]\n\n');
      return;
    }
    if (request.url === '/moved') response.writeHead(302, { location: '/there' }).end();
    else response.writeHead(statuses.shift() ?? 200, { 'content-type': 'application/json' }).end('{"id":7,"name":"pen"}');
  });
  rollcall = await connect({ servers: [registry.url] });
  await rollcall.register({ service: 'shop', address: '127.0.0.1', port: Number(server.authority.split(':')[1]) });
});

afterAll(async () => {
  await rollcall.close();
  await server.kill();
  await registry.close();
});

beforeEach(() => {
  asked.length = 0;
  statuses.length = 0;
});

describe('libraries that take a fetch', () => {
  it('ky: JSON, its retries, its errors', async () => {
    const shop = ky.create({ fetch: rollcall.fetch, prefixUrl: 'http://shop.rollcall', retry: { limit: 1, delay: () => 1 } });
    statuses.push(500);
    expect(await shop.get('items/7').json()).toEqual({ id: 7, name: 'pen' });
    expect(await shop.post('items', { json: { name: 'pen' } }).json()).toEqual({ id: 7, name: 'pen' });
    expect(asked).toEqual([
      { line: 'GET /items/7', type: '', body: '' },
      { line: 'GET /items/7', type: '', body: '' },
      { line: 'POST /items', type: 'application/json', body: '{"name":"pen"}' },
    ]);
    statuses.push(404);
    await expect(shop.get('items/8')).rejects.toThrow(HTTPError);
  });

  it('openapi-fetch, which passes a Request', async () => {
    interface Paths {
      '/items/{id}': {
        get: {
          parameters: { path: { id: number } };
          responses: { 200: { content: { 'application/json': { id: number; name: string } } } };
        };
      };
    }
    const shop = createClient<Paths>({ baseUrl: 'http://shop.rollcall', fetch: rollcall.fetch });
    const { data, response } = await shop.GET('/items/{id}', { params: { path: { id: 7 } } });
    expect(data).toEqual({ id: 7, name: 'pen' });
    expect(response).toBeInstanceOf(Response);
    expect(asked.map(({ line }) => line)).toEqual(['GET /items/7']);
  });

  it('an SDK reads a stream of events', async () => {
    const openai = new OpenAI({ apiKey: 'none', baseURL: 'http://shop.rollcall/v1', fetch: rollcall.fetch });
    const events = await openai.chat.completions.create({ model: 'any', messages: [{ role: 'user', content: 'say hello' }], stream: true });
    let said = '';
    for await (const { choices } of events) said += choices[0]?.delta.content ?? '';
    expect(said).toBe('hello');
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ messages: [{ content: 'say hello' }] });
  });
});

describe('fetch', () => {
  const url = 'http://shop.rollcall/items';
  const form = () => {
    const made = new FormData();
    made.set('name', 'pen');
    made.set('file', new Blob(['ink']), 'ink.txt');
    return made;
  };

  it('has the type of the platform’s fetch, and works as a detached function', async () => {
    const { fetch } = rollcall;
    const assigned: typeof globalThis.fetch[] = [fetch, rollcall.service('shop').fetch];
    for (const one of assigned) expect(await (await one(url)).json()).toEqual({ id: 7, name: 'pen' });
  });

  it.each<[string, () => RequestInit, string | RegExp, string | RegExp]>([
    ['text', () => ({ body: 'pen' }), 'text/plain;charset=UTF-8', 'pen'],
    ['bytes', () => ({ body: new TextEncoder().encode('pen') }), '', 'pen'],
    ['a Blob', () => ({ body: new Blob(['pen'], { type: 'text/x' }) }), 'text/x', 'pen'],
    ['URLSearchParams', () => ({ body: new URLSearchParams({ name: 'a b' }) }), 'application/x-www-form-urlencoded;charset=UTF-8', 'name=a+b'],
    ['FormData', () => ({ body: form() }), /^multipart\/form-data; boundary=/, /name="file"; filename="ink.txt"[^]*ink/],
    ['a stream', () => ({ body: new Blob(['pen']).stream(), duplex: 'half' }), '', 'pen'],
  ])('sends %s', async (_what, init, type, body) => {
    const matching = (wanted: string | RegExp) => (typeof wanted === 'string' ? wanted : expect.stringMatching(wanted));
    for (const fetch of [rollcall.fetch, rollcall.service('shop').fetch]) {
      asked.length = 0;
      await (await fetch(url, { method: 'POST', ...init() })).text();
      await (await fetch(new Request(url, { method: 'POST', ...init() }))).text();
      const wanted = { line: 'POST /items', type: matching(type), body: matching(body) };
      expect(asked).toEqual([wanted, wanted]);
    }
  });

  it.each(['content-length', 'Content-Length'])('accepts a length (%s) only if it equals the body’s', async (name) => {
    const init = (length: string) => ({ method: 'POST', body: 'pen', headers: { [name]: length } });
    expect((await rollcall.fetch(url, init('3'))).status).toBe(200);
    await expect(rollcall.fetch(url, init('4'))).rejects.toThrow(TypeError);
    expect(asked).toEqual([{ line: 'POST /items', type: 'text/plain;charset=UTF-8', body: 'pen' }]);
  });

  it('accepts a string, a URL, and a Request with options that override it', async () => {
    await rollcall.fetch(url);
    await rollcall.fetch(new URL(url));
    await rollcall.fetch(new Request(url));
    await rollcall.fetch(new Request(url), { method: 'DELETE' });
    await rollcall.service('shop').fetch('/items');
    expect(asked.map(({ line }) => line)).toEqual(['GET /items', 'GET /items', 'GET /items', 'DELETE /items', 'GET /items']);
  });

  it('answers with a Response of the platform, whose body is read once, or cloned before', async () => {
    const response = await rollcall.fetch(url);
    expect(response).toBeInstanceOf(Response);
    expect({ url: response.url, type: response.type, redirected: response.redirected }).toEqual({ url, type: 'basic', redirected: false });
    expect(() => response.headers.set('x', 'y')).toThrow(TypeError);
    const copy = response.clone();
    expect(await copy.json()).toEqual(await response.json());
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
  });

  it('follows redirects, refuses them, or shows them', async () => {
    const moved = 'http://shop.rollcall/moved';
    const followed = await rollcall.fetch(moved);
    expect([followed.url, followed.redirected]).toEqual(['http://shop.rollcall/there', true]);
    await expect(rollcall.fetch(moved, { redirect: 'error' })).rejects.toThrow(TypeError);
    expect((await rollcall.fetch(moved, { redirect: 'manual' })).status).toBe(302);
  });

  it('ends with the reason of its signal, also that of a Request', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(rollcall.fetch(url, { signal })).rejects.toBe(reason);
    await expect(rollcall.fetch(new Request(url, { signal }))).rejects.toBe(reason);
    const controller = new AbortController();
    const { body } = await rollcall.fetch(url, { signal: controller.signal });
    controller.abort(reason);
    await expect(new Response(body).text()).rejects.toBe(reason);
  });

  it('sends requests to other hosts as the platform does', async () => {
    expect(await (await rollcall.fetch(`http://${server.authority}/direct`)).json()).toEqual({ id: 7, name: 'pen' });
    await expect(rollcall.fetch(`http://${await deadAuthority()}/`)).rejects.toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNREFUSED' } });
    await expect(rollcall.fetch('/a/path')).rejects.toThrow(TypeError);
  });

  it.each<[string, string | URL | Request, RequestInit]>([
    ['a form of another implementation', url, { method: 'POST', body: new UndiciFormData() as unknown as FormData }],
    ['a URL with a port', 'http://shop.rollcall:81/items', {}],
    ['https to a service that may be asked without TLS', 'https://shop.rollcall/items', {}],
  ])('refuses %s instead of sending a wrong request', async (_what, input, init) => {
    await expect(rollcall.fetch(input, init)).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'invalid_argument' } });
    expect(asked).toEqual([]);
  });

  it('refuses a Request of another implementation when it is a service’s fetch', async () => {
    const foreign = new UndiciRequest(url) as unknown as Request;
    await expect(rollcall.service('shop').fetch(foreign)).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'invalid_argument' } });
    expect(asked).toEqual([]);
  });
});
