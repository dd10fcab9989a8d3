import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { RegistryError } from '@rollcall/protocol';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EngineEvent } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { findRecord } from './registry/kind/record/find.ts';
import { TestAuthority } from './net/certificates.case.ts';
import { createServer, type ServerOptions } from './server.ts';
import { version } from './version.ts';

const files = { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' };

/** An address of this machine that is not loopback, whose connections are counted. */
const outward = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const reason = outward === undefined ? ' (skipped: those from loopback are not counted, and there is no other address)' : '';

describe('createServer', () => {
  test('is ready in under 100 ms', async () => {
    // The first start includes loading code; test files of applications start many servers.
    await (await createServer()).close();
    let fastest = Infinity;
    // On a busy machine most starts are interrupted by other programs; one that is not shows the time.
    for (let round = 0; round < 5 || (fastest >= 100 && round < 50); round++) {
      const started = performance.now();
      const server = await createServer({ engine: memory() });
      fastest = Math.min(fastest, performance.now() - started);
      await server.close();
    }
    expect(fastest).toBeLessThan(100);
  });

  test.skipIf(outward === undefined)(`limits the connections of one address, and answers on those that are open${reason}`, async () => {
    const host = outward as string;
    const server = await createServer({ http: { host }, unsafeAllowUnauthenticated: true, limits: { connectionsPerAddressMax: 3 } });
    const sockets: Socket[] = [];
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await server.close();
    });
    /** @returns the status of an answer; `closed` when none came */
    const ask = () =>
      new Promise<string>((resolve) => {
        const socket = connect(server.ports.http, host, () => socket.write('GET /v1/status/leader HTTP/1.1\r\nHost: registry\r\n\r\n'));
        sockets.push(socket);
        socket.on('data', (bytes) => resolve(bytes.toString('latin1', 9, 12)));
        socket.on('error', () => {});
        socket.on('close', () => resolve('closed'));
      });
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual(['200', '200', '200', 'closed']);
    const refused = await server.metrics.connectionsRefused.get();
    expect(refused.values).toMatchObject([{ labels: { reason: 'address' }, value: 1 }]);
    const gone = new Promise((resolve) => sockets[0]?.once('close', resolve));
    sockets[0]?.destroy();
    await gone;
    // The server learns of the end a moment later than the client.
    await vi.waitFor(async () => expect(await ask()).toBe('200'), { timeout: 20_000 });
  });

  test('keeps its node id in the store', async () => {
    const engine = memory();
    const kept = { ...engine, close: () => Promise.resolve() };
    const nodeIds: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const server = await createServer({ engine: kept });
      nodeIds.push(findRecord(server.registry.state, '', 'server', 'identity')?.value);
      await server.close();
    }
    expect(nodeIds[1]).toEqual(nodeIds[0]);
    await engine.close();
  });

  test('refuses an address beyond loopback, and closes the engine', async () => {
    let closed = false;
    const engine = memory();
    const watched = { ...engine, close: () => ((closed = true), engine.close()) };
    const starting = createServer({ engine: watched, http: { host: '0.0.0.0' } });
    await expect(starting).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(closed).toBe(true);
  });

  test.each<[string, ServerOptions, string]>([
    ['HTTP in the open', { http: { host: '0.0.0.0' }, acl: {} }, 'there is no TLS'],
    ['TLS without access control', { https: { host: '0.0.0.0', ...files } }, 'there is no access control'],
    ['TLS where every caller may do everything', { https: { host: '0.0.0.0', ...files }, acl: { defaultPolicy: 'allow' } }, 'allows what no rule forbids'],
    ['DNS without access control', { dns: { host: '0.0.0.0' } }, 'there is no access control'],
    ['nothing at all', { http: false }, 'neither http nor https is served'],
    ['client certificates without an authority', { https: { ...files, verifyIncoming: true } }, 'caFile'],
    ['a missing certificate', { https: files }, 'cannot read /nowhere/cert.pem'],
    ['a missing file of authorities', { probeCaFile: '/nowhere/ca.pem' }, 'cannot read /nowhere/ca.pem'],
  ])('refuses %s, and closes the engine', async (_name, options, message) => {
    let closed = 0;
    const engine = memory();
    const watched = { ...engine, close: () => (closed++, engine.close()) };
    await expect(createServer({ engine: watched, ...options })).rejects.toThrow(message);
    expect(closed).toBe(1);
  });

  test('serves the same over plain HTTP and TLS, or over TLS only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-server-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const authority = new TestAuthority();
    const { cert, key } = authority.issue();
    const certFile = join(folder, 'cert.pem');
    const keyFile = join(folder, 'key.pem');
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const dispatcher = new Agent({ connect: { ca: authority.cert } });
    const both = await createServer({ https: { certFile, keyFile } });
    expect(both.url).toBe(`http://127.0.0.1:${both.ports.http}`);
    const put = await request(`https://127.0.0.1:${both.ports.https}/v1/kv/a`, { method: 'PUT', body: '1', dispatcher });
    expect(await put.body.text()).toBe('true');
    expect(await (await fetch(`${both.url}/v1/kv/a?raw`)).text()).toBe('1');
    // A query that waits on one listener is answered when both close.
    const self = await request(`${both.url}/v1/agent/self`);
    expect(await self.body.json()).toMatchObject({ DebugConfig: { HTTPPort: both.ports.http, HTTPSPort: both.ports.https } });
    const waiting = request(`https://127.0.0.1:${both.ports.https}/v1/kv/a?index=${both.registry.state.revision}`, { dispatcher });
    while ((await both.metrics.parked.get()).values[0]?.value !== 1) await new Promise(setImmediate);
    await both.close();
    expect((await waiting).statusCode).toBe(200);

    const secure = await createServer({ http: false, https: { certFile, keyFile }, unsafeAllowUnauthenticated: true });
    expect([secure.ports.http, secure.url]).toEqual([0, `https://127.0.0.1:${secure.ports.https}`]);
    const { statusCode } = await request(`${secure.url}/readyz`, { dispatcher });
    expect(statusCode).toBe(200);
    const page = await request(`${secure.url}/metrics`, { dispatcher });
    const ends = Date.parse(new X509Certificate(cert).validTo) / 1_000;
    expect(await page.body.text()).toContain(`rollcall_tls_certificate_expiry_timestamp_seconds ${ends}`);
    expect(await secure.reloadCertificates()).toBe(true);
    writeFileSync(certFile, 'broken');
    expect(await secure.reloadCertificates()).toBe(false);
    await dispatcher.close();
    await secure.close();
  });

  test('closes its first listener when the address of the second is taken', async () => {
    const taken = await createServer();
    const { http: httpPort } = taken.ports;
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-server-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'r.sock');
    const { cert, key } = new TestAuthority().issue();
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
    const https = { port: httpPort, certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
    await expect(createServer({ http: { path }, https })).rejects.toThrow(`cannot listen on 127.0.0.1:${httpPort}`);
    expect(existsSync(path)).toBe(false);
    await taken.close();
  });

  test('names the address when the port is taken', async () => {
    const first = await createServer();
    const starting = createServer({ http: { port: first.ports.http } });
    await expect(starting).rejects.toThrow(`cannot listen on 127.0.0.1:${first.ports.http}`);
    await first.close();
  });

  test('serves DNS beside HTTP; when the address of DNS is taken, it fails, or starts without DNS if DNS is optional', async () => {
    const server = await createServer({ dns: {} });
    expect(server.ports.dns).toBeGreaterThan(0);
    const taken = createServer({ dns: { port: server.ports.dns ?? 0 } });
    await expect(taken).rejects.toMatchObject({ code: 'failed_precondition' });
    const without = await createServer({ dns: { port: server.ports.dns ?? 0, optional: true } });
    expect(without.ports.dns).toBeUndefined();
    await without.close();
    await expect(createServer({ dns: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'failed_precondition' });
    await server.close();
  });

  test('answers 404 for a path without a front end', async () => {
    const server = await createServer();
    const response = await fetch(`${server.url}/nothing`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('/v1/');
    await server.close();
  });

  test('resolves `fatal` when it cannot follow its log', async () => {
    const engine = memory();
    let breakOff: (error: Error) => void = () => {};
    const broken = new Promise<never>((_, reject) => (breakOff = reject));
    const server = await createServer({
      engine: {
        ...engine,
        async *changes(options): AsyncGenerator<EngineEvent> {
          const inner = engine.changes(options)[Symbol.asyncIterator]();
          for (;;) {
            const next = await Promise.race([inner.next(), broken]);
            if (next.done === true) return;
            yield next.value;
          }
        },
      },
    });
    breakOff(new RegistryError('data_loss', 'the disk is gone'));
    expect(await server.fatal).toMatchObject({ code: 'data_loss', message: 'the disk is gone' });
    await server.close();
  });

  test('its version is the package’s', () => {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    expect(version).toBe((JSON.parse(manifest) as { version: string }).version);
  });
});
