/**
 * Debian's HAProxy, unmodified, finds its servers here by DNS (`server-template` over SRV): two real
 * programs are registered, one is removed, another is added, and requests reach the right ones.
 *
 * HAProxy asks every 200 ms in this configuration, so this test takes long.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';
import { startDns } from '../../packages/server/src/frontend/dns/dns.case.ts';
import { freePort } from '../free-ports.mjs';

const missing = spawnSync('haproxy', ['-v']).error !== undefined;

/** A program that answers with its name. */
interface Program {
  readonly port: number;
  readonly server: Server;
  served: number;
}

let dns: Awaited<ReturnType<typeof startDns>>;
let folder: string;
let haproxy: ChildProcess | undefined;
let url: string;
const log: string[] = [];
const programs = new Map<string, Program>();

beforeAll(async () => {
  dns = await startDns();
  if (missing) return;
  for (const name of ['one', 'two', 'three']) programs.set(name, await startProgram(name));
  const port = await freePort();
  url = `http://127.0.0.1:${port}/`;
  folder = await mkdtemp(join(tmpdir(), 'rollcall-haproxy-'));
  await writeFile(join(folder, 'haproxy.cfg'), configuration(port));
  haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: ['ignore', 'ignore', 'pipe'] });
  haproxy.stderr?.setEncoding('utf8').on('data', (text: string) => log.push(text));
});

afterAll(async () => {
  if (haproxy !== undefined && haproxy.exitCode === null) {
    const ended = new Promise((resolve) => haproxy?.once('exit', resolve));
    haproxy.kill('SIGTERM');
    await ended;
  }
  for (const { server } of programs.values()) server.close();
  await dns.close();
  if (!missing) await rm(folder, { recursive: true, force: true });
});

function configuration(port: number): string {
  return `
global
  stats socket ${join(folder, 'haproxy.sock')} mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  retries 0
resolvers rollcall
  nameserver local 127.0.0.1:${dns.port}
  accepted_payload_size 1232
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold obsolete 0s
  hold nx 0s
frontend public
  bind 127.0.0.1:${port}
  default_backend web
backend web
  balance roundrobin
  http-reuse never
  server-template web 4 _web._tcp.service.consul resolvers rollcall resolve-prefer ipv4 init-addr none
`;
}

async function startProgram(name: string): Promise<Program> {
  const server = createHttpServer((_request, response) => {
    program.served++;
    response.end(name);
  });
  const program: Program = { server, port: await listening(server), served: 0 };
  return program;
}

const portOf = (name: string) => (programs.get(name) as Program).port;
const register = (name: string, status: 'passing' | 'critical' = 'passing') =>
  dns.register({ id: name, nodeAddress: '127.0.0.1', port: portOf(name), status });

/** Ports of the servers that HAProxy sends requests to: those that are up. */
async function serversOf(): Promise<number[]> {
  const table = (await runtime('show servers state web')).split('\n').slice(2);
  return table
    .map((line) => line.split(' '))
    // srv_addr, srv_op_state, srv_port; the others wait for a server.
    .filter((fields) => fields[4] === '127.0.0.1' && fields[5] === '2')
    .map((fields) => Number(fields[18]))
    .sort((a, b) => a - b);
}

async function becomes(names: readonly string[]): Promise<void> {
  const ports = names.map(portOf).sort((a, b) => a - b);
  await vi.waitFor(
    async () => {
      if (haproxy?.exitCode !== null) throw new Error(`haproxy stopped: ${log.join('')}`);
      expect(await serversOf()).toEqual(ports);
    },
    { timeout: 30_000, interval: 50 },
  );
}

/** The programs that answer 20 requests in a row. */
async function answering(): Promise<string[]> {
  const names = new Set<string>();
  for (let n = 0; n < 20; n++) {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    names.add(await response.text());
  }
  return [...names].sort();
}

describe('HAProxy', () => {
  const start = ({ skip }: TestContext) =>
    skip(missing, 'haproxy is not installed; `node conformance/install-debian.mjs` installs it on Debian');

  it('finds the registered programs, with address and port', async (context) => {
    start(context);
    await register('one');
    await register('two');
    await becomes(['one', 'two']);
    expect(await answering()).toEqual(['one', 'two']);
  });

  it('sends no requests to a program that was removed', async (context) => {
    start(context);
    await dns.deregister('one');
    await becomes(['two']);
    const { served } = programs.get('one') as Program;
    expect(await answering()).toEqual(['two']);
    expect(programs.get('one')?.served).toBe(served);
  });

  it('sends requests to a new program', async (context) => {
    start(context);
    await register('three');
    await becomes(['two', 'three']);
    expect(await answering()).toEqual(['three', 'two']);
  });

  it('leaves out a program with a critical check until the check passes again', async (context) => {
    start(context);
    await register('two', 'critical');
    await becomes(['three']);
    expect(await answering()).toEqual(['three']);
    await register('two');
    await becomes(['two', 'three']);
  });

  it('reports no error about any answer', async (context) => {
    start(context);
    let counters = '';
    const count = (name: string) => Number(new RegExp(`^ *${name}: *(\\d+)`, 'm').exec(counters)?.[1]);
    await vi.waitFor(async () => {
      counters = await runtime('show resolvers rollcall');
      expect(count('valid')).toBeGreaterThan(5);
    }, { timeout: 20_000 });
    for (const name of ['invalid', 'too_big', 'truncated', 'refused', 'other', 'any_err', 'snd_error']) {
      expect([name, count(name)]).toEqual([name, 0]);
    }
  });
});

/** A command to HAProxy's runtime socket, and its answer. */
function runtime(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(folder, 'haproxy.sock'));
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('error', reject);
    socket.on('end', () => resolve(answer));
    socket.write(`${command}\n`);
  });
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return (server.address() as AddressInfo).port;
}
