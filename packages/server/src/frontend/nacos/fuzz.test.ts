/**
 * Random parameters on every route: no answer is a 5xx, none breaks the connection or the form of the protocol, and the server goes on.
 * A failed run prints its seed.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Nacos } from './nacos.case.ts';
import { accessOf } from './request/route.ts';
import { routeTable } from './routes.ts';

const rows = accessOf(routeTable({} as never));
let nacos: Nacos;

beforeAll(async () => {
  nacos = await Nacos.start();
});
afterAll(() => nacos[Symbol.asyncDispose]());

const names = [
  ...['serviceName', 'groupName', 'namespaceId', 'ip', 'port', 'weight', 'enabled', 'healthy', 'ephemeral', 'metadata', 'clusterName', 'cluster', 'clusters', 'beat', 'heartBeat'],
  ...['dataId', 'group', 'tenant', 'content', 'type', 'tag', 'config_tags', 'search', 'nid', 'id', 'beta', 'show', 'pageNo', 'pageSize', 'Listening-Configs', 'instances', 'selector'],
  ...['protectThreshold', 'healthChecker', 'checkPort', 'useInstancePort4Check', 'key', 'customNamespaceId', 'namespaceName', 'namespace', 'namespaceShowName', 'password', 'accessToken'],
];

const value = fc.oneof(
  fc.constantFrom('', '0', '-1', '1e9', 'NaN', 'true', 'null', '{}', '[]', '[{}]', '{"type":1}', '{"ip":1,"port":"x"}', 'a@@b', '@@', '##', 'default', 'public', '__proto__', '\u0001\u0002', 'a\u0002b\u0001', '*', '\ud800'),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.json({ maxDepth: 3 }),
  fc.constantFrom('web', '10.0.0.1', '80', 'app.yaml', 'G'),
  fc.nat({ max: 3_000 }).map((length) => 'x'.repeat(length)),
);
const fields = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 10 });

describe.each(rows.map(({ name }) => name))('%s', (name) => {
  const [method = '', path = ''] = name.split(' ');

  test('answers any parameters in its own form', async () => {
    await fc.assert(
      fc.asyncProperty(fields, fields, async (query, form) => {
        const answer = await nacos.ask(method, path, { query, form, headers: { 'long-pulling-timeout-no-hangup': 'true' } });
        expect([answer.status, answer.text]).toEqual([expect.toSatisfy((status: number) => status < 500), answer.text]);
        if (answer.headers['content-type'] === 'application/json' && answer.text !== '') expect(() => answer.json()).not.toThrow();
      }),
      { numRuns: 25 },
    );
  });
});

test.each<[string, string | Buffer, string]>([
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x25, 0x32, 0x26, 0x3d]), 'application/x-www-form-urlencoded'],
  ['broken percent encoding', '%%%=%zz&a=%', 'application/x-www-form-urlencoded'],
  ['a form without a type', 'serviceName=web&ip=a&port=1', ''],
  ['multipart', '--x\r\n\r\n--x--', 'multipart/form-data; boundary=x'],
  ['many parameters', 'a=1&'.repeat(100_000), 'application/x-www-form-urlencoded'],
])('a body of %s gets an answer below 500', async (_what, body, type) => {
  const { status } = await nacos.ask('POST', '/v1/ns/instance', { body, headers: { 'content-type': type } });
  expect(status).toBeLessThan(500);
  expect((await nacos.get('/v1/ns/operator/metrics')).status).toBe(200);
});

test('a body beyond the limit is a 413 in the form of the version', async () => {
  const body = `serviceName=${'x'.repeat(1_100_000)}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await nacos.ask('POST', '/v1/ns/instance', { body, headers })).status).toBe(413);
  expect((await nacos.ask('POST', '/v2/ns/instance', { body, headers })).json()).toMatchObject({ code: 20_002 });
});

test.each([
  ['GET', '/v1/ns/none', 404],
  ['POST', '/v1/ns/instance/list', 405],
  ['GET', '/../etc/passwd', 404],
  ['GET', '/v1/ns/instance/list/', 400],
  ['HEAD', '/v1/ns/operator/metrics', 200],
])('%s %s is a %i', async (method, path, status) => {
  expect((await nacos.ask(method, path)).status).toBe(status);
});

test('a page of another origin is refused', async () => {
  const { status, text } = await nacos.get('/v1/ns/instance/list', { serviceName: 'web' }, { headers: { origin: 'https://elsewhere.example' } });
  expect([status, text]).toEqual([403, expect.stringContaining('origin')]);
});
