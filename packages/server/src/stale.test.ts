/** A server on a shared store whose feed is lost, stuck or silent: how its HTTP answers report their age. */

import { describe, expect, test } from 'vitest';
import { request } from 'undici';
import { RegistryError } from '@rollcall/protocol';
import { heldServers } from './held-servers.case.ts';
import { turnsUntil } from './turns-until.case.ts';
import type { Server } from './server.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

async function call(server: Server, method: 'GET' | 'PUT', path: string, headers: Record<string, string> = {}, sent?: string): Promise<Answer> {
  const { statusCode, headers: got, body } = await request(`${server.url}${path}`, { method, headers, ...(sent === undefined ? {} : { body: sent }) });
  return { status: statusCode, headers: got, text: await body.text() };
}

const get = (server: Server, path: string, headers: Record<string, string> = {}) => call(server, 'GET', path, headers);
const put = (server: Server, path: string, body: string) => call(server, 'PUT', path, {}, body);

const isStale = async (server: Server) => (await get(server, '/readyz')).status === 503;

/** The headers of an answer that report its age. */
const contact = ({ headers }: Answer) => [headers['x-consul-knownleader'], headers['x-consul-lastcontact']];

describe('a server that no longer follows its store', () => {
  test('still answers, is not ready, counts this in metrics, and recovers', async () => {
    const { held, one, clock } = await heldServers();
    expect((await put(one, '/v1/kv/k', 'v')).status).toBe(200);
    expect((await get(one, '/readyz')).status).toBe(200);
    held.unreachable = true;
    held.cut(new RegistryError('unavailable', 'the connection was reset'));
    await turnsUntil(() => isStale(one));
    expect((await get(one, '/readyz')).text).toContain('the connection was reset');
    expect(await get(one, '/v1/kv/k?raw')).toMatchObject({ status: 200, text: 'v' });
    expect((await get(one, '/metrics')).text).toMatch(/^rollcall_stale 1$/m);
    held.unreachable = false;
    await turnsUntil(async () => !(await isStale(one)), () => clock.advance(100));
    expect((await get(one, '/metrics')).text).toMatch(/^rollcall_stale 0$/m);
    expect((await get(one, '/metrics')).text).toMatch(/^rollcall_feed_losses_total 1$/m);
  });

  test('marks every kind of Consul answer as stale, for as long as it is', async () => {
    const { held, one, clock } = await heldServers();
    await put(one, '/v1/kv/k', 'v');
    const paths = [
      '/v1/kv/k',
      '/v1/kv/k?stale',
      '/v1/kv/none',
      '/v1/health/service/consul',
      '/v1/catalog/services?cached',
      '/v1/agent/self',
      '/v1/query/none/execute',
      '/v1/session/list',
      '/v1/internal/ui/nodes',
    ];
    const indexed: string[] = [];
    // Twice, so that the second answers come from memory.
    for (const path of [...paths, ...paths]) {
      const answer = await get(one, path);
      if (answer.headers['x-consul-knownleader'] === undefined) continue;
      indexed.push(path);
      expect([path, ...contact(answer)]).toEqual([path, 'true', '0']);
    }
    expect(new Set(indexed).size).toBeGreaterThanOrEqual(6);
    clock.advance(5_000);
    await turnsUntil(() => one.registry.staleMs === 0);
    clock.advance(1_500);
    held.unreachable = true;
    held.cut();
    await turnsUntil(() => isStale(one));
    for (const path of indexed) expect([path, ...contact(await get(one, path))]).toEqual([path, 'false', '1500']);
    clock.advance(700);
    expect(contact(await get(one, '/v1/kv/k'))).toEqual(['false', '2200']);
    held.unreachable = false;
    await turnsUntil(async () => !(await isStale(one)), () => clock.advance(100));
    for (const path of indexed) expect([path, ...contact(await get(one, path))]).toEqual([path, 'true', '0']);
  });

  test('refuses a consistent read and one that limits its age with an error that clients retry', async () => {
    const { held, one } = await heldServers();
    await put(one, '/v1/kv/k', 'v');
    held.unreachable = true;
    held.cut();
    await turnsUntil(() => isStale(one));
    for (const path of ['/v1/kv/k?consistent', '/v1/agent/self?consistent', '/v1/kv/k?max_stale=1ns']) {
      expect([path, await get(one, path)]).toEqual([path, expect.objectContaining({ status: 500, text: 'the store cannot be reached' })]);
    }
    expect((await get(one, '/v1/kv/k?max_stale=1h')).status).toBe(200);
  });

  test('refuses a write with an error that clients retry, at once or within 5 seconds', async () => {
    const { held, one, clock } = await heldServers();
    held.unreachable = true;
    expect(await put(one, '/v1/kv/k', 'v')).toMatchObject({ status: 500, text: 'the store cannot be reached' });
    held.unreachable = false;
    held.silent = true;
    const before = held.commits.length;
    const written = put(one, '/v1/kv/k', 'v');
    await turnsUntil(() => held.commits.length > before);
    clock.advance(5_000);
    expect(await written).toMatchObject({ status: 500, text: expect.stringContaining('whether the write takes effect is not known') as string });
    // The server tells the store that it leaves.
    held.silent = false;
  });
});

describe('a server that is behind another one', () => {
  test('reports the distance in revisions and in seconds', async () => {
    const { held, one, other, clock } = await heldServers();
    const metric = async (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec((await get(one, '/metrics')).text)?.[1]);
    expect(await metric('rollcall_store_lag_revisions')).toBe(0);
    held.hold();
    for (const value of ['1', '2', '3']) await put(other, '/v1/kv/k', value);
    clock.advance(5_000);
    await turnsUntil(async () => (await metric('rollcall_store_lag_revisions')) === 3);
    clock.advance(5_000);
    await turnsUntil(() => isStale(one));
    expect(await metric('rollcall_store_lag_seconds')).toBe(10);
    held.go();
    await turnsUntil(async () => (await metric('rollcall_store_lag_seconds')) === 0, () => clock.advance(100));
    expect(await metric('rollcall_store_lag_revisions')).toBe(0);
  });

  test('answers a consistent read after it has caught up, and other reads at once', async () => {
    const { held, one, other } = await heldServers();
    await put(other, '/v1/kv/k', 'old');
    await turnsUntil(async () => (await get(one, '/v1/kv/k?raw')).text === 'old');
    held.hold();
    await put(other, '/v1/kv/k', 'new');
    expect((await get(one, '/v1/kv/k?raw')).text).toBe('old');
    expect((await get(one, '/v1/kv/k?raw&stale')).text).toBe('old');
    const consistent = get(one, '/v1/kv/k?raw&consistent');
    const early = Symbol('not answered yet');
    expect(await Promise.race([consistent, get(one, '/healthz').then(() => early)])).toBe(early);
    held.go();
    expect((await consistent).text).toBe('new');
  });

  test('makes a client that has seen a newer index wait for that index, in a blocking query and by a header', async () => {
    const { held, one, other } = await heldServers();
    await put(other, '/v1/kv/k', 'old');
    await turnsUntil(async () => (await get(one, '/v1/kv/k?raw')).text === 'old');
    held.hold();
    await put(other, '/v1/kv/k', 'new');
    const index = String((await get(other, '/v1/kv/k')).headers['x-consul-index']);
    const header = get(one, '/v1/kv/k?raw', { 'X-Rollcall-Not-Older-Than': index });
    const blocking = get(one, `/v1/kv/k?index=${index}&wait=1s`);
    await get(one, '/healthz');
    held.go();
    expect((await header).text).toBe('new');
    await turnsUntil(async () => (await get(one, '/v1/kv/k?raw')).text === 'new');
    await put(other, '/v1/kv/k', 'newer');
    const answer = await blocking;
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining(Buffer.from('newer').toString('base64')) as string });
    expect(Number(answer.headers['x-consul-index'])).toBeGreaterThan(Number(index));
  });

  test('refuses such a client after 3 seconds, so that it never sees a lower index', async () => {
    const { held, one, other, clock } = await heldServers();
    await put(other, '/v1/kv/k', 'old');
    await turnsUntil(async () => (await get(one, '/v1/kv/k?raw')).text === 'old');
    held.hold();
    await put(other, '/v1/kv/k', 'new');
    const index = String((await get(other, '/v1/kv/k')).headers['x-consul-index']);
    const refused = [get(one, '/v1/kv/k', { 'X-Rollcall-Not-Older-Than': index }), get(one, `/v1/kv/k?index=${index}`)];
    await get(one, '/healthz');
    await get(one, '/healthz');
    clock.advance(3_000);
    for (const answer of await Promise.all(refused)) {
      expect(answer).toMatchObject({ status: 500, text: expect.stringContaining(`before ${index}; try again later, or on another node`) as string });
    }
    held.go();
  });

  test('refuses a header that is not a revision', async () => {
    const { one } = await heldServers();
    for (const value of ['x', '-1', '1.5', '99999999999999999']) {
      expect(await get(one, '/v1/kv/k', { 'X-Rollcall-Not-Older-Than': value })).toMatchObject({
        status: 400,
        text: expect.stringContaining('X-Rollcall-Not-Older-Than') as string,
      });
    }
  });
});
