/** Values as long as real files have them are taken, and those beyond a limit are refused with the limit. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeEach(async () => (consul = await Consul.start()));
afterEach(() => consul[Symbol.asyncDispose]());

/** As Traefik's `…headers.contentSecurityPolicy=…`. */
const policy = (bytes: number) => `traefik.http.middlewares.h.headers.csp=${'default-src https: ;'.repeat(bytes)}`.slice(0, bytes);

interface Listed {
  readonly ServiceTags: string[];
}

test.each([513, 4_097, 65_536])('a tag of %i bytes is stored whole, for each way to register it', async (bytes) => {
  const tags = [policy(bytes), 'v1'];
  const service = { Service: 'web', Tags: tags };
  const answers = [
    await consul.put('/v1/agent/service/register', { Name: 'web', ID: 'a', Tags: tags }),
    await consul.put('/v1/catalog/register', { Node: 'n', Address: '10.0.0.1', Service: { ...service, ID: 'b' } }),
    await consul.put('/v1/txn', [{ Service: { Verb: 'set', Node: 'n', Service: { ...service, ID: 'c' } } }]),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const listed = (await consul.get('/v1/catalog/service/web')).json<Listed[]>();
  expect(listed.map(({ ServiceTags }) => ServiceTags)).toEqual([tags, tags, tags]);
  expect((await consul.get(`/v1/catalog/service/web?tag=${encodeURIComponent(tags[1] as string)}`)).json()).toHaveLength(3);
  expect((await consul.get('/v1/catalog/services')).json()).toMatchObject({ web: tags.toSorted() });
});

test('names that are not part of keys may be long, too', async () => {
  const name = 'n'.repeat(4_000);
  expect((await consul.put('/v1/agent/check/register', { Name: name, ID: 'c', TTL: '60s', Notes: 'n'.repeat(100_000) })).status).toBe(200);
  expect((await consul.get('/v1/agent/checks')).json<Record<string, { Name: string }>>()['c']?.Name).toBe(name);
  expect((await consul.put('/v1/session/create', { Name: name })).status).toBe(200);
});

test.each([
  ['/v1/agent/service/register', { Name: 'x', Tags: [policy(65_537)] }, 'Invalid tag: it has 65537 bytes, the limit is 65536'],
  ['/v1/agent/service/register', { Name: 'x'.repeat(513) }, 'it has 513 bytes, the limit is 512'],
  ['/v1/agent/check/register', { Name: 'x'.repeat(513), TTL: '60s' }, 'Invalid check ID: it has 513 bytes, the limit is 512'],
  ['/v1/agent/check/register', { ID: 'x', Name: 'x'.repeat(65_537), TTL: '60s' }, 'Invalid check name: it has 65537 bytes'],
  [`/v1/kv/${'k'.repeat(1_798)}`, {}, 'the limit is 1800'],
])('%s of %o is refused', async (path, body, text) => {
  const answer = await consul.put(path, body);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(text)]);
});

test('the longest accepted key has the length that the README states', async () => {
  expect((await consul.put(`/v1/kv/${'k'.repeat(1_797)}`, 'v')).status).toBe(200);
});
