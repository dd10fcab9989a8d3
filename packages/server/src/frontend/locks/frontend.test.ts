/** The JSON API of locks: requests as a program in another language sends them, rights, and bad input. */

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from '../../server.ts';
import { grantor } from '../../security/grantor.case.ts';
import { routes } from './routes.ts';

let server: Server;
beforeAll(async () => {
  server = await createServer({});
});
afterAll(() => server.close());

async function call(path: string, body: object, { url = server.url, token }: { url?: string; token?: string } = {}): Promise<{ status: number; [field: string]: unknown }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/rollcall/v1/locks/${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  return { status: response.status, ...((await response.json()) as object) };
}

const newSession = () => ({ id: randomUUID(), token: randomUUID() });

async function member(name: string) {
  const session = newSession();
  const of = { session, name, contender: randomUUID() };
  expect(await call('session', { session, name, ttlMs: 60_000 })).toEqual({ status: 200, session: session.id });
  return of;
}

describe('a lock over HTTP', () => {
  it('is acquired, shown, handed over and released', async () => {
    const [one, two, three] = [await member('h/a'), await member('h/a'), await member('h/a')];
    const held = await call('acquire', { ...one, value: 'one' });
    expect(held).toMatchObject({ status: 200, state: 'holds', token: expect.stringMatching(/^\d+$/) });
    expect(await call('acquire', two)).toEqual({ status: 200, state: 'busy' });
    expect(await call('acquire', { ...two, waitMs: 20 })).toEqual({ status: 200, state: 'late' });
    const waiting = [call('acquire', { ...two, waitMs: 60_000 }), call('acquire', { ...three, waitMs: 60_000 })];
    let shown: { waiting: object[] } = { waiting: [] };
    while (shown.waiting.length < 2) shown = (await (await fetch(`${server.url}/rollcall/v1/locks?name=h%2Fa`)).json()) as typeof shown;
    expect(shown).toMatchObject({ namespace: 'default', name: 'h/a', limit: 1, holders: [{ contender: one.contender, value: 'one', token: held['token'] }] });
    expect(await call('transfer', { ...one, to: three.contender })).toEqual({ status: 200, transferred: true });
    expect(await waiting[1]).toMatchObject({ state: 'holds' });
    const grants = [{ name: 'h/a', contender: one.contender, token: held['token'] }];
    expect(await call('renew', { session: one.session, grants })).toEqual({ status: 200, alive: true, lost: [one.contender] });
    expect(await call('end', { session: three.session })).toEqual({ status: 200, ended: true });
    expect(await waiting[0]).toMatchObject({ state: 'holds' });
    expect(await call('release', two)).toEqual({ status: 200, released: true });
    expect(await call('release', two)).toEqual({ status: 200, released: false });
    expect(await call('renew', { session: three.session })).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('a contender whose request breaks keeps its place', async () => {
    const [one, two] = [await member('h/b'), await member('h/b')];
    await call('acquire', one);
    const broken = new AbortController();
    const body = JSON.stringify({ ...two, waitMs: 60_000 });
    const first = fetch(`${server.url}/rollcall/v1/locks/acquire`, { method: 'POST', body, signal: broken.signal }).catch(() => {});
    let shown: { waiting: object[] } = { waiting: [] };
    while (shown.waiting.length < 1) shown = (await (await fetch(`${server.url}/rollcall/v1/locks?name=h%2Fb`)).json()) as typeof shown;
    broken.abort();
    await first;
    const again = call('acquire', { ...two, waitMs: 60_000 });
    await call('release', one);
    expect(await again).toMatchObject({ state: 'holds' });
  });
});

describe('rights', () => {
  it('each route demands them', async () => {
    const management = randomUUID();
    const closed = await createServer({ acl: { initialManagement: management } });
    const grants = grantor(closed.registry);
    try {
      const [read, write] = [await grants.token('lock_prefix "" { policy = "read" }'), await grants.token('lock "a" { policy = "write" }')];
      const of = { session: newSession(), name: 'a', contender: randomUUID() };
      const status = async (path: string, body: object, token?: string) => (await call(path, body, { url: closed.url, ...(token === undefined ? {} : { token }) })).status;
      const look = async (token?: string) => (await fetch(`${closed.url}/rollcall/v1/locks?name=a`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })).status;
      expect([await look(), await look(read.secret), await look(write.secret), await look('wrong')]).toEqual([403, 200, 200, 401]);
      const opening = { ...of, contender: undefined, ttlMs: 60_000 };
      expect([await status('session', opening), await status('session', opening, read.secret), await status('session', opening, write.secret)]).toEqual([403, 403, 200]);
      expect([await status('acquire', of), await status('acquire', of, read.secret), await status('acquire', of, write.secret)]).toEqual([403, 403, 200]);
      expect(await status('acquire', { ...of, name: 'b' }, write.secret)).toBe(403);
      expect([await status('transfer', { ...of, to: randomUUID() }, read.secret), await status('transfer', { ...of, to: randomUUID() }, write.secret)]).toEqual([403, 404]);
      // These need the token of the session, and no other.
      for (const path of ['renew', 'release', 'end']) {
        expect([path, await status(path, { ...of, session: { ...of.session, token: randomUUID() } }, write.secret)]).toEqual([path, 403]);
        expect([path, await status(path, of)]).toEqual([path, 200]);
      }
    } finally {
      grants.close();
      await closed.close();
    }
  });
});

describe('bad input', () => {
  it.each([
    ['acquire', {}, /session is missing/],
    ['session', { session: newSession(), name: '', ttlMs: 60_000 }, /name is empty/],
    ['session', { session: newSession(), name: 'a', ttlMs: 1 }, /ttlMs is 1, it must be from 1000 to 600000/],
    ['session', { session: newSession(), name: 'a', ttlMs: 60_000, namespace: '-' }, /namespace must be/],
  ])('%s', async (path, body, message) => {
    expect(await call(path, body)).toMatchObject({ status: 400, code: 'invalid_argument', message: expect.stringMatching(message) });
  });

  it('no body makes it answer with a 5xx', async () => {
    const scrap = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('', '__proto__', 'x'.repeat(400), -1, 2 ** 60, null));
    const body = fc.record({ session: fc.oneof(fc.constant(newSession()), scrap), name: scrap, contender: fc.oneof(fc.uuid(), scrap), ttlMs: scrap, limit: scrap, shared: scrap, value: scrap, grants: scrap, to: scrap, namespace: scrap }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes.filter(({ methods }) => methods.includes('POST')).map(({ path }) => path)), fc.oneof(body, scrap), async (path, sent) => {
        const response = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(sent) });
        expect(response.status).toBeLessThan(500);
        await response.text();
      }),
      { numRuns: 200 },
    );
    expect((await fetch(`${server.url}/rollcall/v1/locks/acquire`, { method: 'POST', body: '{' })).status).toBe(400);
    expect((await fetch(`${server.url}/rollcall/v1/locks/acquire`)).status).toBe(405);
    expect((await fetch(`${server.url}/rollcall/v1/locks/none`, { method: 'POST' })).status).toBe(404);
  });
});
