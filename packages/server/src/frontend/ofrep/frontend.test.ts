/** OFREP over HTTP: what recorded clients sent, bulk answers with their ETag, events, and bad requests. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';

const definition = {
  metadata: { owner: 't' },
  flags: {
    'bool-flag': { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' },
    'string-flag': { state: 'ENABLED', variants: { a: 'A' }, defaultVariant: 'a' },
    'num-flag': { state: 'ENABLED', variants: { one: 1 }, defaultVariant: 'one' },
    'obj-flag': { state: 'ENABLED', variants: { o: { k: 'v' } }, defaultVariant: 'o' },
    targeted: { state: 'ENABLED', variants: { gold: 'G', other: 'O' }, defaultVariant: 'other', targeting: { if: [{ '==': [{ var: 'plan' }, 'gold'] }, 'gold', null] } },
    off: { state: 'DISABLED', variants: { a: 'A' }, defaultVariant: 'a' },
    nodefault: { state: 'ENABLED', variants: { a: 'A' } },
    broken: { state: 'ENABLED', variants: { a: 'A' }, defaultVariant: 'a', targeting: { if: [{ nonsense: [] }] } },
    'with/slash': { state: 'ENABLED', variants: { a: 'A' }, defaultVariant: 'a' },
  },
};
const base = '/ofrep/shop/web.flags.json';
const gold = { context: { targetingKey: 'user-1', plan: 'gold' } };

let ofrep: ConfigServer;
beforeAll(async () => {
  ofrep = await ConfigServer.start();
  await ofrep.publish('shop/web.flags.json', JSON.stringify(definition), { format: 'flags' });
});
afterAll(() => ofrep[Symbol.asyncDispose]());

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ofrep.ask(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const single = (key: string, body: unknown = gold) => post(`${base}/ofrep/v1/evaluate/flags/${key}`, body);
const bulk = (body: unknown = gold, headers: Record<string, string> = {}) => post(`${base}/ofrep/v1/evaluate/flags`, body, headers);

interface Exchange {
  readonly by: string;
  readonly request: string;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
}

const recorded = readFileSync(new URL('testdata/exchanges.jsonl', import.meta.url), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Exchange);

describe('a single flag', () => {
  test.each(recorded)('as the provider for $by asked: $request', async ({ request, body, status, answer }) => {
    const [, path = ''] = request.split(' ');
    const found = await post(base + path, body);
    const expected = JSON.parse(answer) as Record<string, unknown>;
    // The words of an error are ours.
    if ('errorDetails' in expected) Object.assign(expected, { errorDetails: expect.any(String), metadata: { owner: 't' } });
    expect([found.status, JSON.parse(found.text)]).toEqual([status, expected]);
  });

  test.each([
    ['targeted', { context: { plan: 'iron' } }, 200, { key: 'targeted', value: 'O', variant: 'other', reason: 'DEFAULT' }],
    ['off', gold, 200, { key: 'off', reason: 'DISABLED' }],
    ['nodefault', gold, 200, { key: 'nodefault', reason: 'DEFAULT' }],
    ['broken', gold, 400, { key: 'broken', errorCode: 'PARSE_ERROR' }],
    ['with/slash', gold, 200, { key: 'with/slash', value: 'A' }],
    ['with%2Fslash', gold, 200, { key: 'with/slash', value: 'A' }],
    ['__proto__', gold, 404, { key: '__proto__', errorCode: 'FLAG_NOT_FOUND' }],
    ['bool-flag', '', 200, { value: true }],
    ['bool-flag', '{}', 200, { value: true }],
    ['bool-flag', '{', 400, { key: 'bool-flag', errorCode: 'PARSE_ERROR' }],
    ['bool-flag', '[]', 400, { key: 'bool-flag', errorCode: 'PARSE_ERROR' }],
    ['bool-flag', { context: 'x' }, 400, { errorCode: 'INVALID_CONTEXT' }],
    ['bool-flag', { context: { targetingKey: 5 } }, 400, { errorCode: 'INVALID_CONTEXT' }],
    ['bool-flag', { context: { big: 'x'.repeat(70_000) } }, 400, { errorCode: 'INVALID_CONTEXT' }],
    ['bool-flag', '{"context": {"__proto__": {"plan": "gold"}}}', 200, { value: true }],
  ])('%s with %j', async (key, body, status, answer) => {
    const found = await single(key, body);
    expect(found.status).toBe(status);
    const read = JSON.parse(found.text) as Record<string, unknown>;
    expect(read).toMatchObject(answer);
    if (!('value' in answer) && status === 200) expect(read).not.toHaveProperty('value');
  });
});

describe('all flags', () => {
  test('come with an ETag, a stream of events, and errors beside values', async () => {
    const { status, headers, text } = await bulk();
    const { flags, eventStreams } = JSON.parse(text) as { flags: { key: string; value?: unknown; errorCode?: string }[]; eventStreams: { type: string; url: string; inactivityDelaySec: number }[] };
    expect([status, headers.get('content-type'), flags.map(({ key }) => key)]).toEqual([200, 'application/json', Object.keys(definition.flags)]);
    expect(flags.find(({ key }) => key === 'broken')).toMatchObject({ errorCode: 'PARSE_ERROR' });
    expect(flags.find(({ key }) => key === 'targeted')).toMatchObject({ value: 'G', reason: 'TARGETING_MATCH' });
    expect(eventStreams).toEqual([{ type: 'sse', url: expect.stringContaining(`${ofrep.server.url}${base}/ofrep/v1/events?`) as string, inactivityDelaySec: 120 }]);
    const tag = headers.get('etag') ?? '';
    const same = await bulk(gold, { 'if-none-match': tag });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', tag]);
    expect((await bulk({ context: { plan: 'iron' } }, { 'if-none-match': tag })).status).toBe(200);
    expect((await bulk(gold, { 'if-none-match': `"x", W/${tag}` })).status).toBe(304);
  });

  test.each([
    ['{', 400, 'PARSE_ERROR'],
    ['{"context": 1}', 400, 'INVALID_CONTEXT'],
  ])('with the body %s are refused', async (body, status, errorCode) => {
    const found = await bulk(body);
    expect([found.status, JSON.parse(found.text)]).toEqual([status, { errorCode, errorDetails: expect.any(String) as string }]);
  });

  test('of a configuration that does not exist, or has no flags, are an error that says so', async () => {
    await ofrep.publish('shop/text', 'x', { format: 'text' });
    const missing = await post('/ofrep/shop/none/ofrep/v1/evaluate/flags', gold);
    expect([missing.status, missing.text]).toEqual([404, expect.stringContaining('there is no configuration shop/none')]);
    const text = await post('/ofrep/shop/text/ofrep/v1/evaluate/flags/a', gold);
    expect([text.status, text.text]).toEqual([400, expect.stringContaining('PARSE_ERROR')]);
    expect((await post('/ofrep/v1/evaluate/flags', gold)).text).toContain('/ofrep/{app}/{name}/ofrep/v1/evaluate/flags');
    expect((await ofrep.ask(`${base}/ofrep/v1/evaluate/flags`)).status).toBe(405);
  });
});

describe('events', () => {
  const urlOf = async () => (JSON.parse((await bulk()).text) as { eventStreams: { url: string }[] }).eventStreams[0]?.url ?? '';

  test('tell of a publication once, and of nothing else', async () => {
    const url = await urlOf();
    const { views } = ofrep.server.registry;
    const before = views.watching;
    const stop = new AbortController();
    const response = await fetch(url, { signal: stop.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let seen = '';
    const until = async (text: string) => {
      while (!seen.includes(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`it ended after ${seen}`);
        seen += Buffer.from(value).toString();
      }
    };
    await until(': open');
    await ofrep.publish('shop/other.flags.json', '{"flags": {}}', { format: 'flags' });
    await ofrep.publish('shop/web.flags.json', JSON.stringify({ ...definition, $schema: 'x' }), { format: 'flags' });
    await until('refetchEvaluation');
    const [event = ''] = seen.split('\n\n').filter((each) => each.startsWith('event:'));
    const [kind = '', data = ''] = event.split('\n');
    expect([kind, JSON.parse(data.replace('data: ', ''))]).toEqual(['event: message', { type: 'refetchEvaluation', etag: expect.any(String) as string, lastModified: expect.any(Number) as number }]);
    expect(seen.match(/refetchEvaluation/g)).toHaveLength(1);
    stop.abort();
    await vi.waitFor(() => expect(views.watching).toBe(before), { interval: 10, timeout: 20_000 });
  });

  test.each([
    ['another configuration', (url: string) => url.replace('web.flags.json', 'other.flags.json')],
    ['another namespace', (url: string) => url.replace('namespace=default', 'namespace=blue')],
    ['a later end', (url: string) => url.replace(/until=(\d)/, (_all, digit: string) => `until=${(Number(digit) % 9) + 1}`)],
    ['no proof', (url: string) => url.replace(/proof=.*/, '')],
  ])('do not open with a URL changed to %s', async (_what, change) => {
    const response = await fetch(change(await urlOf()));
    await response.body?.cancel();
    expect(response.status).toBe(401);
  });

  test('end when the server closes', async () => {
    await using own = await ConfigServer.start();
    await own.publish('a/b', '{"flags": {}}', { format: 'flags' });
    const answer = await own.json<{ eventStreams: { url: string }[] }>('/ofrep/a/b/ofrep/v1/evaluate/flags', { method: 'POST', body: '{}' });
    const response = await fetch(answer.eventStreams[0]?.url ?? '');
    const rest = response.text();
    await own.server.close();
    expect(await rest).toContain(': open');
  });
});

describe('with access control', () => {
  let guarded: ConfigServer;
  beforeAll(async () => {
    guarded = await ConfigServer.start({ acl: { initialManagement: managementToken } });
    await guarded.publish('shop/web', '{"flags": {}}', { format: 'flags' });
  });
  afterAll(() => guarded[Symbol.asyncDispose]());

  test('a caller needs the right to read the configuration; the token is Bearer or an API key', async () => {
    const ask = (headers: Record<string, string>) => guarded.ask('/ofrep/shop/web/ofrep/v1/evaluate/flags', { method: 'POST', body: '{}', headers });
    const token = await guarded.tokenWith('config "shop/web" { policy = "read" }');
    const other = await guarded.tokenWith('config "shop/other" { policy = "write" }');
    const statuses = await Promise.all([{}, { authorization: 'Bearer wrong' }, { 'x-api-key': 'wrong' }, { 'x-api-key': other }, { 'x-api-key': token }, { authorization: `Bearer ${token}` }].map(async (headers) => (await ask(headers as Record<string, string>)).status));
    expect(statuses).toEqual([403, 401, 401, 403, 200, 200]);
  });
});
