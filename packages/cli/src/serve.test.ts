/** `rollcall serve` as a process: its output, its refusals, its stop, and the data that survives. */

import { Resolver } from 'node:dns/promises';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folder, rollcall, serve, start } from './processes.case.ts';

describe('at the start', () => {
  it('prints its listen addresses, the data directory and commands to try', async () => {
    const dir = join(folder(), 'data');
    const server = start(['serve', '--http', '127.0.0.1:0', '--data-dir', dir, '--log-level', 'error']);
    const url = (await server.seen(/HTTP {2}(http:\/\/127\.0\.0\.1:\d+)$/m))[1];
    const text = (await server.seen(/[^]*Ctrl-C stops it\./))[0];
    expect(text).toContain(`UI    ${url}/ui/\n`);
    expect(text).toContain(`data  ${dir}`);
    expect(text).toContain(`--addr ${url}`);
    expect(existsSync(dir)).toBe(true);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints all its facts in one column', async () => {
    const server = start(['serve', '--http', '127.0.0.1:0', '--dev', '--eureka', '127.0.0.1:0', '--nacos', '127.0.0.1:0']);
    const [text] = await server.seen(/[^]*Ctrl-C stops it\./);
    const facts = text.split('\n').filter((line) => /^ {2}(HTTP|UI|DNS|Eureka|Nacos|data) /.test(line));
    expect(facts.map((line) => /^ {2}(\w+) +/.exec(line)?.map((part) => part.length))).toEqual(['HTTP', 'UI', 'DNS', 'Eureka', 'Nacos', 'data'].map((label) => [10, label.length]));
  });

  it('warns that data in memory is not kept', async () => {
    const server = start(['serve', '--http', '127.0.0.1:0', '--dev']);
    expect((await server.seen(/data {2}(.*)$/m))[1]).toBe('in memory only: lost when this stops');
  });

  it('is one line of JSON for programs', async () => {
    const server = await serve();
    const facts = JSON.parse((await server.seen(/^\{.*\}$/m))[0]) as Record<string, unknown>;
    expect(facts).toEqual({ https: null, dns: null, url: server.url, dataDir: null, pid: server.child.pid });
  });

  it('logs JSON lines to stderr', async () => {
    const server = start(['serve', '--http', '127.0.0.1:0', '--dev', '--log-level', 'info']);
    const line = JSON.parse((await server.seen(/^\{.*"serving".*\}$/m, 'stderr'))[0]) as Record<string, unknown>;
    expect(line).toMatchObject({ level: 30, msg: 'serving', engine: 'memory' });
  });

  it('lets the command line override the environment, and the environment the file', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'rollcall.json'), JSON.stringify({ http: 'nonsense', dev: true }));
    const refused = await rollcall(['serve', '--config', 'rollcall.json'], { cwd: dir });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('rollcall.json: http: "nonsense" is not an address');

    writeFileSync(join(dir, 'rollcall.json'), JSON.stringify({ http: '127.0.0.1:0', dev: true, datacenter: 'file', nodeName: 'file' }));
    const server = start(['serve', '--json', '--node-name', 'flag'], {
      cwd: dir,
      env: { ROLLCALL_CONFIG: 'rollcall.json', ROLLCALL_NODE_NAME: 'env' },
    });
    const { url } = JSON.parse((await server.seen(/^\{"url".*\}$/m))[0]) as { url: string };
    const status = (await (await fetch(`${url}/rollcall/v1/status`)).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ datacenter: 'file', nodeName: 'flag' });
  });

  it('serves DNS at the printed address', async () => {
    const served = start(['serve', '--http', '127.0.0.1:0', '--dns', '127.0.0.1:0', '--dev']);
    const [, port = ''] = await served.seen(/DNS +127\.0\.0\.1:(\d+)/);
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${port}`]);
    expect(await resolver.resolve4('consul.service.consul')).toEqual(['127.0.0.1']);

    const off = start(['serve', '--http', '127.0.0.1:0', '--dns', 'off', '--dev']);
    await off.seen(/DNS +off$/m);
    const taken = start(['serve', '--http', '127.0.0.1:0', '--dns', `127.0.0.1:${port}`, '--dev']);
    expect(await taken.ended).toMatchObject({ code: 5, stderr: expect.stringContaining(`127.0.0.1:${port}`) });
  });
});

describe('refuses, with one line and a specific exit code,', () => {
  it('an address that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.on('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const refused = await rollcall(['serve', '--http', `127.0.0.1:${port}`, '--dev']);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toBe(
      `rollcall: cannot listen on 127.0.0.1:${port}: another program listens there; stop it or choose another port\n`,
    );
  });

  it('a data directory that another process has open', async () => {
    const dir = join(folder(), 'data');
    const first = await serve('--data-dir', dir);
    const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--data-dir', dir]);
    expect(refused).toMatchObject({ code: 6, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: .*\n$/);
    expect(refused.stderr).toContain(dir);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  it('a damaged store, and leaves it unchanged', async () => {
    const dir = join(folder(), 'data');
    const first = await serve('--data-dir', dir);
    // Not the last write, which could be an unfinished one.
    for (const key of ['a-key-to-be-damaged', 'another']) {
      expect((await fetch(`${first.url}/v1/kv/${key}`, { method: 'PUT', body: 'value' })).status).toBe(200);
    }
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile()) writeFileSync(file, damaged(readFileSync(file), 'a-key-to-be-damaged'));
    }
    const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--data-dir', dir]);
    expect(refused).toMatchObject({ code: 7, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: .*\n$/);
    expect(refused.stderr).toContain(dir);
  });

  it.each([[[]], [['--workers', '2']]])('a store from which the registry has moved: %j', async (more) => {
    const dir = folder();
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    const first = await serve('--data-dir', from);
    first.child.kill('SIGTERM');
    await first.ended;
    expect(await rollcall(['migrate', '--from', `embedded:${from}`, '--to', `embedded:${to}`])).toMatchObject({ code: 0 });
    const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--data-dir', from, ...more]);
    expect(refused).toMatchObject({ code: 6, stdout: '' });
    expect(refused.stderr).toContain(`the registry has moved from this store to embedded:${to}`);
  });

  it('a data directory that contains other files', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'not a folder');
    const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--data-dir', file]);
    expect(refused).toMatchObject({ code: 6, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: .*\n$/);
    expect(refused.stderr).toContain(file);
  });

  it('an address that other machines reach, before it changes any file', async () => {
    const dir = join(folder(), 'data');
    const refused = await rollcall(['serve', '--http', '0.0.0.0:0', '--data-dir', dir]);
    expect(refused).toMatchObject({ code: 8, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: refusing to listen on 0\.0\.0\.0 .*--unsafe-allow-unauthenticated.*\n$/);
    expect(existsSync(dir)).toBe(false);
  });

  it('options that exclude each other', async () => {
    const refused = await rollcall(['serve', '--dev', '--data-dir', 'x']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain("'--dev' cannot be used with option '--data-dir <dir>'");
  });

  it('an unknown setting, and suggests the nearest', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'c.json'), '{"data-dir": "x"}');
    const refused = await rollcall(['serve', '--config', 'c.json'], { cwd: dir });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('unknown setting "data-dir"; did you mean "dataDir"?');
  });
});

describe('listens beyond this machine', () => {
  it('when the operator allows it', async () => {
    const server = await serve('--http', '0.0.0.0:0', '--unsafe-allow-unauthenticated');
    const port = new URL(server.url).port;
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  });
});

describe('stops', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('at %s with exit code 0, and answers waiting requests', async (signal) => {
    const server = await serve();
    expect((await fetch(`${server.url}/v1/kv/a`, { method: 'PUT', body: '1' })).status).toBe(200);
    const index = (await fetch(`${server.url}/v1/kv/a`)).headers.get('x-consul-index');
    const parked = fetch(`${server.url}/v1/kv/a?index=${index}&wait=60s`);
    await untilParked(server.url);
    server.child.kill(signal);
    const answer = await parked;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-consul-index')).toBe(index);
    expect(await answer.json()).toMatchObject([{ Key: 'a' }]);
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
  });

  it('at once at a second signal', async () => {
    const server = await serve();
    const { port } = new URL(server.url);
    // A request that never gets complete keeps a graceful stop waiting.
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.write('PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1', () => resolve()));
    await fetch(`${server.url}/healthz`);
    server.child.kill('SIGTERM');
    await refusesConnections(Number(port));
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130 });
  });
});

describe('keeps', () => {
  it('acknowledged writes, after a stop and after a kill', async () => {
    const dir = join(folder(), 'data');
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const server = await serve('--data-dir', dir);
      const put = await fetch(`${server.url}/v1/kv/${signal}`, { method: 'PUT', body: 'kept' });
      expect(await put.text()).toBe('true');
      server.child.kill(signal);
      await server.ended;
    }
    const server = await serve('--data-dir', dir);
    for (const key of ['SIGTERM', 'SIGKILL']) {
      expect(await (await fetch(`${server.url}/v1/kv/${key}?raw`)).text()).toBe('kept');
    }
  });
});

/** The same bytes with one of each occurrence of `text` changed. */
function damaged(bytes: Buffer, text: string): Buffer {
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) bytes[at + 3] = 0x58;
  return bytes;
}

/** Asks again after each answer until the answer is as wanted: only the answers tell when that is. */
async function untilParked(url: string): Promise<void> {
  for (;;) {
    const page = await (await fetch(`${url}/metrics`)).text();
    if (/^rollcall_parked_queries 1$/m.test(page)) return;
  }
}

async function refusesConnections(port: number): Promise<void> {
  for (;;) {
    const refused = await new Promise<boolean>((resolve) => {
      const request = get({ host: '127.0.0.1', port, path: '/healthz', agent: false }, (response) => {
        response.resume();
        response.on('close', () => resolve(false));
      });
      request.on('error', () => resolve(true));
    });
    if (refused) return;
  }
}
