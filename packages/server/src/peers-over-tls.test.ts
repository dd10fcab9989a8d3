/** Two servers on one store: over which addresses, and with whose certificates, they send each other heartbeats. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memory, type MemoryEngine } from './engine/memory/memory.ts';
import { TestAuthority } from './net/certificates.case.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

const authority = new TestAuthority();

let folder: string;
let store: MemoryEngine;
let servers: Server[];
let logged: { msg: string; level: number; [key: string]: unknown }[];
let client: Agent;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-peers-'));
  store = memory();
  servers = [];
  logged = [];
  client = new Agent({ connect: { ca: authority.cert } });
  const { cert, key } = authority.issue();
  for (const [name, pem] of Object.entries({ ca: authority.cert, other: new TestAuthority('another').cert, cert, key })) writeFileSync(file(name), pem);
});

afterEach(async () => {
  for (const server of servers) await server.close();
  await client.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, `${name}.pem`);

async function start(options: ServerOptions): Promise<Server> {
  const log = pino({ level: 'warn' }, { write: (line) => logged.push(JSON.parse(line) as (typeof logged)[number]) });
  const engine = { ...store, exclusive: false, close: () => Promise.resolve() };
  const server = await createServer({ engine, log, nodeName: `s${servers.length + 1}`, ...options });
  servers.push(server);
  return server;
}

const overTls = (options: ServerOptions): ServerOptions => ({ http: false, https: { certFile: file('cert'), keyFile: file('key') }, ...options });

async function call({ url }: Server, method: 'GET' | 'PUT', path: string, body?: unknown): Promise<string> {
  const answer = await request(`${url}${path}`, {
    ...{ method, dispatcher: client, headers: { 'x-rollcall-node': 'worker-1' } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  expect(answer.statusCode, text).toBe(200);
  return text;
}

/** A heartbeat, to the second server, of a check that the first one watches. @returns how many had this outcome so far */
async function stray([first, second]: readonly [Server, Server], outcome: 'forwarded' | 'claimed'): Promise<number> {
  await call(first, 'PUT', '/v1/agent/service/register', { Name: 'web', Check: { TTL: '60s', Status: 'passing' } });
  await second.registry.barrier();
  await call(second, 'PUT', '/v1/agent/check/pass/service:web');
  const count = async () => Number(new RegExp(`^rollcall_stray_heartbeats_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(await call(second, 'GET', '/metrics'))?.[1] ?? 0);
  await expect.poll(count).toBeGreaterThan(0);
  return count();
}

describe('servers with certificates of a private authority', () => {
  it('forward heartbeats to each other', async () => {
    const pair = [await start(overTls({ peerCaFile: file('ca') })), await start(overTls({ peerCaFile: file('ca') }))] as const;
    expect(await stray(pair, 'forwarded')).toBe(1);
  });

  it.each([
    ['is not given', {}],
    ['is another one', { peerCaFile: () => file('other') }],
  ])('send nothing when the authority %s: the deadline is claimed instead', async (_name, { peerCaFile }: { peerCaFile?: () => string }) => {
    const options = overTls(peerCaFile === undefined ? {} : { peerCaFile: peerCaFile() });
    expect(await stray([await start(options), await start(options)], 'claimed')).toBe(1);
  });

  it.each([
    ['missing', '/nowhere/ca.pem', 'cannot read /nowhere/ca.pem'],
    ['no certificate', () => file('key'), 'holds no certificate in PEM'],
  ])('do not start with a file that is %s', async (_name, path, message) => {
    const peerCaFile = typeof path === 'string' ? path : path();
    await expect(start({ peerCaFile })).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(message) as string });
  });
});

describe('a server whose address is plain HTTP on another machine', () => {
  // TEST-NET-1 (RFC 5737 §3): no machine has it.
  const peerUrl = 'http://192.0.2.1:8500';

  it('is sent no cluster key, and the log of the other says once what to do', async () => {
    const [first, second] = [await start({ peerUrl }), await start({})];
    await stray([first, second], 'claimed');
    await call(first, 'PUT', '/v1/agent/service/register', { Name: 'api', Check: { TTL: '60s', Status: 'passing' } });
    await second.registry.barrier();
    await call(second, 'PUT', '/v1/agent/check/pass/service:api');
    await expect.poll(() => call(second, 'GET', '/metrics')).toMatch(/outcome="claimed"} 2$/m);
    const refusals = logged.filter(({ msg }) => msg.includes('--peer-url https://'));
    expect(refusals).toEqual([expect.objectContaining({ address: peerUrl, reason: expect.stringContaining(`refusing to connect to ${peerUrl}`) as string })]);
  });

  it('is connected to when plain text is allowed', async () => {
    const [first, second] = [await start({ peerUrl }), await start({ unsafeAllowPlaintext: true })];
    await stray([first, second], 'claimed');
    expect(logged.filter(({ msg }) => msg.includes('--peer-url'))).toEqual([]);
  });
});
