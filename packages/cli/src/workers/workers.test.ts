/** `rollcall serve --workers`, as processes: to clients and operators it is one server, also while workers die. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from '@rollcall/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client, request } from 'undici';
import { folder, rollcall, start, type Process } from '../processes.case.ts';

interface Served {
  readonly process: Process;
  readonly url: string;
  readonly dns: string | null;
  readonly workers: () => number[];
}

async function serve(data: string, more: readonly string[] = [], http = '127.0.0.1:0'): Promise<Served> {
  const process = start(['serve', '--http', http, ...(more.includes('--dns') ? [] : ['--dns', 'off']), '--data-dir', data, '--workers', '2', '--json', ...more]);
  const [line] = await process.seen(/^\{.*\}$/m);
  const { url, dns } = JSON.parse(line) as { url: string; dns: string | null };
  return { process, url, dns, workers: () => childrenOf(process.child.pid as number) };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Each request has a separate connection, so that both workers get some. */
async function ask(url: string, method: 'GET' | 'PUT' = 'GET', body?: string): Promise<{ status: number; text: string }> {
  const answer = await request(url, { method, headers: { connection: 'close' }, ...(body === undefined ? {} : { body }) });
  return { status: answer.statusCode, text: await answer.body.text() };
}

describe('a server with workers', () => {
  it('shows every write on every connection, and one page of metrics for all', async () => {
    const { url, workers } = await serve(join(folder(), 'data'));
    expect(workers()).toHaveLength(2);
    expect((await ask(`${url}/v1/kv/k`, 'PUT', 'one')).text).toBe('true');
    for (let at = 0; at < 10; at++) expect((await ask(`${url}/v1/kv/k?raw&consistent`)).text).toBe('one');
    for (let at = 0; at < 4; at++) {
      const { text } = await ask(`${url}/metrics`);
      expect(text).toMatch(/^rollcall_http_requests_total\{route="\/v1\/kv\/:key",status="200"\} 11$/m);
      expect(text).toMatch(/^rollcall_kv_keys 1$/m);
      expect(text).toMatch(/^rollcall_members 3$/m);
    }
    expect(JSON.parse((await ask(`${url}/v1/agent/members`)).text)).toHaveLength(1);
  });

  it('answers DNS on the address that its workers share, also when one of them is killed', async () => {
    const { url, dns, process: primary, workers } = await serve(join(folder(), 'data'), ['--dns', '127.0.0.1:0']);
    await ask(`${url}/v1/agent/service/register`, 'PUT', JSON.stringify({ Name: 'web', ID: 'web-1', Address: '10.1.2.3', Port: 80 }));
    const asked = async () => {
      // Each resolver has a socket of its own, so that both workers get some.
      const resolver = new Resolver({ timeout: 2_000, tries: 3 });
      resolver.setServers([dns as string]);
      return resolver.resolve4('web.service.consul');
    };
    for (let at = 0; at < 12; at++) expect(await asked()).toEqual(['10.1.2.3']);
    process.kill(workers()[0] as number, 'SIGKILL');
    await primary.seen(/a worker has been replaced/, 'stderr');
    for (let at = 0; at < 12; at++) expect(await asked()).toEqual(['10.1.2.3']);
  });

  it('survives killed workers: instances stay listed, workers are replaced, totals do not go back', async () => {
    const { process: primary, url, workers } = await serve(join(folder(), 'data'));
    const registry = await connect({ servers: [url] });
    onTestFinished(() => registry.close());
    await registry.register({ service: 'shop', id: 'shop-1', port: 9_000 });
    const total = async () => Number(/^rollcall_commands_total (\d+)$/m.exec((await ask(`${url}/metrics`)).text)?.[1]);
    const before = await total();
    let replaced = 0;
    for (const pid of workers()) {
      process.kill(pid, 'SIGKILL');
      replaced++;
      const again = new RegExp(`(a worker has been replaced[^]*){${replaced}}`);
      const seen = primary.seen(again, 'stderr').then(() => true);
      while (!(await Promise.race([seen, Promise.resolve(false)]))) {
        const listed = await ask(`${url}/v1/health/service/shop`).catch(() => undefined);
        if (listed !== undefined) expect(JSON.parse(listed.text)).toHaveLength(1);
      }
    }
    expect(workers()).toHaveLength(2);
    await expect.poll(async () => (JSON.parse((await ask(`${url}/v1/health/service/shop?passing`)).text) as unknown[]).length).toBe(1);
    expect(await total()).toBeGreaterThanOrEqual(before);
  });

  it('names each process in its status, and adds up what waits in them', async () => {
    const { process: primary, url, workers } = await serve(join(folder(), 'data'));
    const { processes, ...page } = JSON.parse((await ask(`${url}/rollcall/v1/status`)).text) as { ready: boolean; revision: number; processes: { process: string; pid: number; ready: boolean; revision: number }[] };
    expect(page).toMatchObject({ ready: true, liveness: { frozen: false, held: 0 } });
    expect(processes.map(({ process: name }) => name).sort()).toEqual(['primary', 'worker 1', 'worker 2']);
    expect(new Set(processes.map(({ pid }) => pid))).toEqual(new Set([primary.child.pid, ...workers()]));
    for (const each of processes) expect(each).toMatchObject({ ready: true, held: 0 });
  });

  it('lists the clients of every worker to each operator', async () => {
    const { url } = await serve(join(folder(), 'data'));
    const clients = await Promise.all(Array.from({ length: 6 }, (_, n) => connect({ servers: [url], name: `client-${n}` })));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    await Promise.all(clients.map((client) => client.service('web').instances()));
    for (let at = 0; at < 4; at++) {
      const { clients: listed, missing } = JSON.parse((await ask(`${url}/rollcall/v1/clients?service=web`)).text) as { clients: { client: string; id: string }[]; missing: string[] };
      expect([listed.map(({ client }) => client).toSorted(), missing]).toEqual([clients.map((_, n) => `client-${n}`), []]);
      // Each worker names its clients apart from those of the other.
      expect(new Set(listed.map(({ id }) => id.split('.')[0])).size).toBe(2);
      const { edges } = JSON.parse((await ask(`${url}/rollcall/v1/topology`)).text) as { edges: { to: string; watches: number }[] };
      expect(edges.reduce((sum, { watches }) => sum + watches, 0)).toBe(6);
    }
  });

  it('shows the lines of every worker to each client that follows its log', async () => {
    const { url } = await serve(join(folder(), 'data'));
    const texts = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { body } = await request(`${url}/v1/agent/monitor?logjson`, { headers: { connection: 'close' } });
        const seen = { text: '' };
        body.on('data', (part: Buffer) => (seen.text += part.toString()));
        body.on('error', () => {});
        onTestFinished(() => void body.destroy());
        return seen;
      }),
    );
    const complete = ({ text }: { readonly text: string }) => [1, 2].every((worker) => new RegExp(`"worker":${worker},.*an operator|an operator.*"worker":${worker}`).test(text));
    await expect
      .poll(async () => {
        // Whichever worker gets it writes a line.
        await request(`${url}/rollcall/v1/expiry/override`, { method: 'POST', headers: { connection: 'close' } }).then(({ body }) => body.dump());
        return texts.every(complete);
      }, { timeout: 20_000 })
      .toBe(true);
  });

  it('writes one audit log, whose chain has every event of every worker once', async () => {
    const dir = folder();
    const file = join(dir, 'audit.log');
    const args = ['--audit-log', file, '--acl'];
    const { url, process: primary } = await serve(join(dir, 'data'), args);
    const { SecretID: token } = JSON.parse((await ask(`${url}/v1/acl/bootstrap`, 'PUT')).text) as { SecretID: string };
    const put = async (key: string) => (await request(`${url}/v1/kv/${key}`, { method: 'PUT', body: 'x', headers: { connection: 'close', 'x-consul-token': token } })).body.text();
    for (let round = 0; round < 20; round++) await Promise.all([1, 2, 3, 4, 5].map((caller) => put(`${caller}/${String(round).padStart(2, '0')}`)));
    primary.child.kill('SIGTERM');
    await primary.ended;
    const verified = await rollcall(['audit', 'verify', file]);
    expect(verified.code).toBe(0);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { action: string; dropped?: number });
    const keys = lines.flatMap(({ action }) => /^PUT \/v1\/kv\/(.*)$/.exec(action)?.[1] ?? []);
    expect(keys).toHaveLength(100);
    expect(lines.some(({ dropped }) => dropped !== undefined)).toBe(false);
    expect([...keys].sort()).toEqual([1, 2, 3, 4, 5].flatMap((caller) => Array.from({ length: 20 }, (_, round) => `${caller}/${String(round).padStart(2, '0')}`)));
  });

  it('serves on a Unix socket that only its owner may use, and removes it when it stops', async () => {
    const dir = folder();
    const path = join(dir, 'r.sock');
    const { process: primary, url, workers } = await serve(join(dir, 'data'), [], `unix://${path}`);
    expect(url).toBe(`unix://${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = () => new Client('http://localhost', { socketPath: path });
    const asked = async (target: string) => {
      const one = client();
      const { body } = await one.request({ path: target, method: 'GET' });
      const text = await body.text();
      await one.close();
      return text;
    };
    expect(JSON.parse(await asked('/v1/catalog/services'))).toEqual({ consul: [] });
    process.kill(workers()[0] as number, 'SIGKILL');
    await primary.seen(/a worker has been replaced/, 'stderr');
    for (let at = 0; at < 8; at++) expect(JSON.parse(await asked('/v1/catalog/services'))).toEqual({ consul: [] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    primary.child.kill('SIGTERM');
    expect(await primary.ended).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });

  it('replaces the socket file of a server that was killed, and refuses one that another server uses', async () => {
    const dir = folder();
    const path = join(dir, 'r.sock');
    const first = await serve(join(dir, 'data'), [], `unix://${path}`);
    const pids = first.workers();
    first.process.child.kill('SIGKILL');
    await first.process.ended;
    await expect.poll(() => pids.filter(runs)).toEqual([]);
    expect(existsSync(path)).toBe(true);
    const second = await serve(join(dir, 'data'), [], `unix://${path}`);
    const { code, stderr } = await rollcall(['serve', '--http', `unix://${path}`, '--dns', 'off', '--data-dir', join(dir, 'other'), '--workers', '2', '--log-level', 'silent']);
    expect({ code, stderr }).toEqual({ code: 5, stderr: `rollcall: cannot listen on ${path}: another program listens there; stop it or choose another path\n` });
    expect(second.workers()).toHaveLength(2);
  });

  it('replaces a worker that is frozen', async () => {
    const { process: primary, workers } = await serve(join(folder(), 'data'));
    const [frozen] = workers();
    process.kill(frozen as number, 'SIGSTOP');
    await primary.seen(/"worker":\d,"msg":"a worker has been replaced"/, 'stderr');
    expect(workers()).not.toContain(frozen);
    expect(workers()).toHaveLength(2);
  });

  it('stops cleanly: a parked query is answered, and no process is left', async () => {
    const { process: primary, url, workers } = await serve(join(folder(), 'data'));
    const index = (await request(`${url}/v1/health/service/none`)).headers['x-consul-index'] as string;
    const parked = ask(`${url}/v1/health/service/none?index=${index}&wait=60s`);
    await expect.poll(async () => (await ask(`${url}/metrics`)).text).toMatch(/^rollcall_parked_queries 1$/m);
    const pids = workers();
    primary.child.kill('SIGTERM');
    expect((await parked).status).toBe(200);
    expect(await primary.ended).toMatchObject({ code: 0, signal: null });
    expect(pids.filter(runs)).toEqual([]);
  });

  it('stops cleanly while its workers start, too', async () => {
    const primary = start(['serve', '--http', '127.0.0.1:0', '--dns', 'off', '--data-dir', join(folder(), 'data'), '--workers', '2', '--json']);
    // The primary serves its workers, which have yet to load.
    await primary.seen(/"msg":"serving"/, 'stderr');
    await expect.poll(() => childrenOf(primary.child.pid as number).length).toBe(2);
    const pids = childrenOf(primary.child.pid as number);
    primary.child.kill('SIGTERM');
    expect(await primary.ended).toMatchObject({ code: 0, signal: null });
    expect(pids.filter(runs)).toEqual([]);
  });

  it('ends its workers when it is killed, and starts again with all acknowledged writes', async () => {
    const data = join(folder(), 'data');
    const first = await serve(data);
    await ask(`${first.url}/v1/kv/k`, 'PUT', 'one');
    const pids = first.workers();
    first.process.child.kill('SIGKILL');
    await first.process.ended;
    await expect.poll(() => pids.filter(runs)).toEqual([]);
    const second = await serve(data);
    expect((await ask(`${second.url}/v1/kv/k?raw`)).text).toBe('one');
  });

  it('reports that an address is in use, like a single process', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await rollcall(['serve', '--http', `127.0.0.1:${port}`, '--dns', 'off', '--data-dir', join(folder(), 'data'), '--workers', '2', '--log-level', 'silent']);
    expect({ code, stderr }).toEqual({ code: 5, stderr: `rollcall: cannot listen on 127.0.0.1:${port}: another program listens there; stop it or choose another port\n` });
  });
});
