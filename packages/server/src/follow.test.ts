/** A node that follows another one; both are whole servers. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { freePort } from '../../../conformance/free-ports.mjs';
import { embedded } from './engine/embedded/embedded.ts';
import { follow, type FollowOptions } from './follow.ts';
import { membersOf } from './registry/kind/member/find.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

let dir: string;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-follow-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await rm(dir, { recursive: true, force: true });
});

async function start(options: ServerOptions): Promise<Server> {
  const server = await createServer(options);
  closing.push(() => server.close());
  return server;
}

const primary = (options: ServerOptions = {}) => start({ engine: embedded({ dir: join(dir, 'data') }), followers: true, nodeName: 'primary', ...options });
const edge = ({ url }: Server, options: Partial<FollowOptions> = {}) => start({ engine: follow({ url, ...options }), nodeName: 'edge' });

async function kv({ url }: Server, key: string, value?: string) {
  const answer = await request(`${url}/v1/kv/${key}?raw`, value === undefined ? {} : { method: 'PUT', body: value });
  return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
}

describe('a node that follows another one', () => {
  it('is a member that owns no deadlines but those of what it holds', async () => {
    const a = await primary();
    const follower = await edge(a);
    await expect.poll(() => membersOf(a.registry.state).length).toBe(2);
    expect(membersOf(a.registry.state).map(({ name, edge: isEdge }) => [name, isEdge])).toEqual([['primary', undefined], ['edge', true]]);
    expect(membersOf(follower.registry.state)).toHaveLength(2);
  });

  it('refuses a file of authorities that holds no certificate, and names it', async () => {
    const caFile = join(dir, 'ca.pem');
    await writeFile(caFile, 'no certificate');
    await expect(follow({ url: 'https://127.0.0.1:1', caFile })).rejects.toMatchObject({ code: 'invalid_argument', message: `${caFile} holds no certificate in PEM` });
  });

  it('shows the other node’s writes and writes through it, with the same revisions', async () => {
    const a = await primary();
    const follower = await edge(a);
    await kv(a, 'one', '1');
    await expect.poll(async () => (await kv(follower, 'one')).text).toBe('1');
    expect(await kv(follower, 'two', '2')).toMatchObject({ status: 200, text: 'true' });
    expect(await kv(follower, 'two')).toMatchObject({ text: '2' });
    await expect.poll(async () => (await kv(a, 'two')).text).toBe('2');
    const index = async (server: Server) => (await kv(server, 'two')).headers['x-consul-index'];
    expect(await index(follower)).toBe(await index(a));
  });

  it('still serves reads, marked stale, while the other node is down, and catches up when it is back', async () => {
    const port = await freePort();
    const first = await primary({ http: { port } });
    const follower = await edge(first);
    await kv(first, 'one', '1');
    await expect.poll(async () => (await kv(follower, 'one')).text).toBe('1');
    await first.close();
    await expect.poll(async () => (await request(`${follower.url}/readyz`)).statusCode).toBe(503);
    expect(await kv(follower, 'one')).toMatchObject({ status: 200, text: '1', headers: { 'x-consul-knownleader': 'false' } });
    expect((await kv(follower, 'one', '2')).status).toBeGreaterThanOrEqual(500);
    const second = await primary({ http: { port } });
    await kv(second, 'two', '2');
    await expect.poll(async () => (await kv(follower, 'two')).text).toBe('2');
    await expect.poll(async () => (await request(`${follower.url}/readyz`)).statusCode).toBe(200);
    expect(await kv(follower, 'one')).toMatchObject({ text: '1' });
  });

  it('needs a token while access control is on, and reads its file for each connection', async () => {
    const root = '6f1c9a52-8f0b-4e0e-9c9a-1d2a6f2b7c11';
    const server = await primary({ acl: { initialManagement: root } });
    await expect(follow({ url: server.url })).rejects.toMatchObject({ code: 'permission_denied' });
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, `${root}\n`);
    await edge(server, { tokenFile });
  });
});

describe('refuses to follow', () => {
  it.each([
    ['in plain text to another machine', { url: 'http://10.0.0.7:8500' }, 'failed_precondition', 'use https://'],
    ['what is no URL of a node', { url: 'ftp://primary' }, 'invalid_argument', 'is not the URL of a node'],
    ['without a file that it is told to read', { url: 'http://127.0.0.1:1', tokenFile: '/none' }, 'invalid_argument', 'cannot read /none'],
    ['an unreachable node', { url: 'http://127.0.0.1:1' }, 'unavailable', 'cannot reach http://127.0.0.1:1'],
  ])('%s', async (_name, options, code, message) => {
    await expect(follow(options)).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  it('a node that admits no followers', async () => {
    await expect(follow({ url: (await primary({ followers: false })).url })).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
