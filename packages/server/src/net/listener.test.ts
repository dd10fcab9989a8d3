/** The listener with real sockets: TLS, refused requests, and shutting down. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../clock.ts';
import { defaultLimits } from '../options.ts';
import { TestAuthority } from './certificates.case.ts';
import { ConnectionGuard } from './connection-guard.ts';
import { authority, log, origins, raw, serve } from './listener.case.ts';
import { listen } from './listener.ts';

function ask(options: RequestOptions): Promise<{ status: number; body: string; response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: '127.0.0.1', path: '/test', agent: false, ca: authority.cert, ...options }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, response }));
    });
    request.on('error', reject);
    request.end();
  });
}

describe('TLS', () => {
  it('serves clients that trust its certificate; others end the handshake', async () => {
    const { port } = await serve({ tls: {} });
    expect(await ask({ port })).toMatchObject({ status: 200, body: 'hello' });
    await expect(ask({ port, ca: new TestAuthority().cert })).rejects.toThrow(/unable to verify|signature failure/);
    await expect(ask({ port, servername: 'other.test' })).rejects.toThrow('does not match');
  });

  it('requires version 1.2, or 1.3, and only secure ciphers', async () => {
    const protocolOf = (port: number, options: ConnectionOptions) =>
      new Promise<string | null>((resolve, reject) => {
        const socket = tlsConnect({ host: '127.0.0.1', port, ca: authority.cert, ...options }, () => {
          resolve(socket.getProtocol());
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const { port } = await serve({ tls: {} });
    expect(await protocolOf(port, { maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    expect(await protocolOf(port, {})).toBe('TLSv1.3');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(protocolOf(port, old)).rejects.toThrow(/alert protocol version/);
    const only12 = { maxVersion: 'TLSv1.2' } as const;
    expect(await protocolOf(port, { ...only12, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })).toBe('TLSv1.2');
    // A cipher without authenticated encryption is refused.
    await expect(protocolOf(port, { ...only12, ciphers: 'ECDHE-ECDSA-AES128-SHA256' })).rejects.toThrow(/handshake failure/);
    const newer = await serve({ tls: { minVersion: 'TLSv1.3' } });
    await expect(protocolOf(newer.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert protocol version/);
    expect(newer.handshakesFailed()).toBe(1);
  });

  it('with client certificates accepts only certificates of the authority', async () => {
    const clients = new TestAuthority('clients');
    const { port } = await serve({ tls: { ca: clients.cert } });
    expect(await ask({ port, ...clients.issue({ names: [], commonName: 'app' }) })).toMatchObject({ status: 200 });
    const refused = /certificate required|handshake failure|unknown ca|ECONNRESET|socket hang up/i;
    await expect(ask({ port })).rejects.toThrow(refused);
    await expect(ask({ port, ...new TestAuthority('clients').issue({ names: [] }) })).rejects.toThrow(refused);
    const expired = clients.issue({ names: [], notAfter: new Date('2021-01-01') });
    await expect(ask({ port, ...expired })).rejects.toThrow(/expired|ECONNRESET|socket hang up/i);
  });

  it('takes a renewed certificate for new connections, and keeps the old one while the new is broken', async () => {
    const { port, certificates, write } = await serve({ tls: {} });
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const socket = tlsConnect({ host: '127.0.0.1', port, ca: authority.cert }, () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const before = await serial();
    write({ cert: authority.issue().cert, key: 'broken' });
    await certificates?.reload();
    expect(await serial()).toBe(before);
    write(authority.issue());
    await certificates?.reload();
    expect(await serial()).not.toBe(before);
    expect(await ask({ port })).toMatchObject({ status: 200 });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('refuses clients of a removed authority, even with earlier sessions: %s', async (maxVersion) => {
    const clients = new TestAuthority('clients');
    const { port, certificates, folder } = await serve({ tls: { ca: clients.cert } });
    const own = clients.issue({ names: [] });
    /** Resolves when the server has answered; a session may come before or after that. */
    const visit = (session?: Buffer) =>
      new Promise<{ session: Buffer; reused: boolean }>((resolve, reject) => {
        const socket = tlsConnect({ host: '127.0.0.1', port, ca: authority.cert, ...own, maxVersion, ...(session === undefined ? {} : { session }) });
        let given: Buffer | undefined;
        let answered = false;
        const arrived = () => {
          if (given === undefined || !answered) return;
          resolve({ session: given, reused: socket.isSessionReused() });
          socket.destroy();
        };
        socket.on('session', (one: Buffer) => {
          given = one;
          arrived();
        });
        socket.on('data', () => {
          answered = true;
          given ??= socket.getSession();
          arrived();
        });
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('closed without an answer')));
        socket.write('GET /test HTTP/1.1\r\nHost: x\r\n\r\n');
      });
    const { session } = await visit();
    expect((await visit(session)).reused).toBe(true);
    writeFileSync(join(folder, 'ca.pem'), new TestAuthority('others').cert);
    expect(await certificates?.reload()).toBe(true);
    await expect(visit(session)).rejects.toThrow(/ECONNRESET|closed without|disconnected before|unknown ca|certificate/i);
  });

  it('closes the connection of a client that speaks plain HTTP, without an answer', async () => {
    const { port, handshakesFailed } = await serve({ tls: {} });
    expect(await raw(port, 'GET /test HTTP/1.1', 'Host: x', '', '')).not.toContain('HTTP/');
    expect(handshakesFailed()).toBe(1);
  });

  it('passes on upgraded connections', async () => {
    const { port } = await serve({
      tls: {},
      upgrade(_request, socket) {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.pipe(socket);
      },
    });
    const echoed = await new Promise<string>((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'echo' };
      const request = httpsRequest({ host: '127.0.0.1', port, path: '/test', ca: authority.cert, agent: false, headers });
      request.on('error', reject);
      request.on('upgrade', (_response, socket) => {
        socket.once('data', (chunk: Buffer) => {
          resolve(chunk.toString());
          socket.destroy();
        });
        socket.write('ping');
      });
      request.end();
    });
    expect(echoed).toBe('ping');
  });
});

describe('a deliberately slow client', () => {
  const quick = { headersMsMax: 50, requestMsMax: 100 };

  it('gets an error when its headers do not arrive', async () => {
    const { port } = await serve({ limits: quick });
    expect(await raw(port, 'GET /test HTTP/1.1', 'Host: x', 'X-Slow: ')).toMatch(/^HTTP\/1\.1 408 .*\r\nConnection: close\r\n/);
  });

  it('gets an error when its body does not arrive, and the reader of the body gets an error, too', async () => {
    let gone: () => void = () => {};
    const heard = new Promise<void>((resolve) => (gone = resolve));
    const { port } = await serve({
      limits: quick,
      handle: ({ request }) => void request.on('close', gone).resume(),
    });
    const answer = await raw(port, 'PUT /test HTTP/1.1', 'Host: x', 'Content-Length: 10', '', '1');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    await heard;
  });

  it('is disconnected when it does not read its answer', async () => {
    let cut: () => void = () => {};
    const closed = new Promise<void>((resolve) => (cut = resolve));
    const { port } = await serve({
      limits: { stuckMsMax: 100 },
      handle({ response }) {
        response.on('close', cut);
        // More than the buffers of both ends hold.
        response.end(Buffer.alloc(64 * 1_048_576));
      },
    });
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /test HTTP/1.1\r\nHost: x\r\n\r\n'));
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await closed;
  });

  it('is not disconnected after its connection has become a stream', async () => {
    let stream: Duplex | undefined;
    const { port } = await serve({
      limits: { stuckMsMax: 50 },
      upgrade(_request, socket) {
        stream = socket;
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      },
    });
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /test HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'));
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once('data', resolve));
    onTestFinished(() => void stream?.destroy());
    // The server cuts this slow request after a time in which it would also have cut the stream.
    await raw(port, 'GET /nothing HTTP/1.1', 'Host: x', 'X-Slow: ');
    expect(stream?.destroyed).toBe(false);
    stream?.write('still here');
    expect(String(await new Promise((resolve) => socket.once('data', resolve)))).toBe('still here');
  });

  it('is disconnected when it does not finish its TLS handshake', async () => {
    const { port, handshakesFailed } = await serve({ limits: quick, tls: {} });
    expect(await raw(port, '')).toBe('');
    expect(handshakesFailed()).toBe(1);
  });

  it('is distinguished from a request that waits for a change', async () => {
    const answers: (() => void)[] = [];
    const { port } = await serve({ limits: quick, handle: ({ response }) => void answers.push(() => response.end('late')) });
    const slow = raw(port, 'GET /test HTTP/1.1', 'Host: x', 'X-Slow: ');
    const waiting = new Promise<IncomingMessage>((resolve) => get({ host: '127.0.0.1', port, path: '/test', agent: false }, resolve));
    // By then, both of its times are over.
    await slow;
    await raw(port, 'PUT /test HTTP/1.1', 'Host: x', 'Content-Length: 10', '', '1');
    answers[0]?.();
    expect((await waiting).statusCode).toBe(200);
  });
});

describe('a request that is not HTTP', () => {
  it.each([
    ['nonsense', 'NONSENSE\r\n\r\n', '400 Bad Request'],
    ['two lengths', 'PUT /test HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', '400 Bad Request'],
    ['a length and chunks', 'PUT /test HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', '400 Bad Request'],
    ['headers without an end', `GET /test HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
  ])('%s is refused and the connection closed', async (_name, bytes, status) => {
    const { port } = await serve();
    expect(await raw(port, bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\\r\\nConnection: close\\r\\n`));
  });

  it('with more headers than any client sends is refused, not shortened', async () => {
    const { port } = await serve();
    const headers = (count: number) => Array.from({ length: count }, (_, number) => `X-${number}: 1`);
    const last = ['Host: x', 'Connection: close', '', ''];
    expect(await raw(port, 'GET /test HTTP/1.1', ...headers(198), ...last)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(port, 'GET /test HTTP/1.1', ...headers(199), ...last)).toMatch(/^HTTP\/1\.1 431 [^]*may have 200 headers/);
  });

  const good = ['GET /test HTTP/1.1', 'Host: x', '', ''].join('\r\n');
  const count = (text: string) => text.match(/HTTP\/1\.1 /g)?.length ?? 0;

  /** Sends the second part when the first answer is there. */
  function afterAnswer(port: number, first: string, answer: string, second: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(first));
      let text = '';
      socket.on('data', (chunk) => {
        const before = text.endsWith(answer);
        text += chunk.toString();
        if (!before && text.endsWith(answer)) socket.write(second);
      });
      socket.on('close', () => resolve(text));
    });
  }

  it('after an answer gets a separate error', async () => {
    const { port } = await serve();
    const text = await afterAnswer(port, good, 'hello', 'NONSENSE\r\n\r\n');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  it('right after a request does not spoil the answer to it', async () => {
    const { port } = await serve({ handle: ({ response }) => void response.end('x'.repeat(500_000)) });
    const text = await raw(port, `${good}NONSENSE\r\n\r\n`);
    // The error can be sent only if the answer has not ended the connection yet.
    expect(/^HTTP\/1\.1 200 [^]*\r\n\r\nx{500000}(HTTP\/1\.1 400 [^]*)?$/.test(text)).toBe(true);
  });

  it('gets no bytes after the last answer of a connection', async () => {
    // An unread body, as a front end refuses one over its limit, and garbage in it.
    const { port } = await serve({
      handle({ request, response }) {
        request.pause();
        response.shouldKeepAlive = false;
        response.writeHead(413, { 'Content-Length': 3 });
        response.end('big', () => request.resume());
      },
    });
    const chunked = ['PUT /test HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', 'NO CHUNK', ''];
    const text = await raw(port, ...chunked);
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*\r\n\r\nbig$/);
    expect(count(text)).toBe(1);
  });

  it('gets no answer while an earlier request waits, whose client would take the error for its answer', async () => {
    const { port } = await serve({ handle: () => {} });
    expect(await raw(port, `${good}NONSENSE\r\n\r\n`)).toBe('');
  });

  it('gets no answer in the middle of an earlier answer', async () => {
    const { port } = await serve({
      handle({ response }) {
        response.writeHead(200, { 'Content-Length': 100 });
        response.write('half');
      },
    });
    const text = await afterAnswer(port, good, 'half', 'NONSENSE\r\n\r\n');
    expect(text).toMatch(/half$/);
    expect(count(text)).toBe(1);
  });
});

describe('a page of another origin', () => {
  const ask = async (headers: Record<string, string>, method = 'GET') => {
    // With flat headers, as the front ends answer.
    const { port } = await serve({ handle: ({ response }) => void response.writeHead(200, ['X-Consul-Index', '7', 'Vary', 'Accept']).end('hello') });
    return new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, path: '/test', method, headers, agent: false }, (response) => resolve(response.resume()));
      request.on('error', reject);
      request.end();
    });
  };

  it('that is listed may read answers, and send more than a form could', async () => {
    const answer = await ask({ origin: 'https://console.test' });
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': 'https://console.test', 'x-consul-index': '7' });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    const asked = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-consul-token' };
    const permission = await ask({ origin: 'https://console.test', ...asked }, 'OPTIONS');
    expect(permission.statusCode).toBe(204);
    expect(permission.headers).toMatchObject({
      'access-control-allow-origin': 'https://console.test',
      'access-control-allow-headers': 'x-consul-token',
      'access-control-allow-methods': expect.stringContaining('PUT'),
      vary: 'Origin',
    });
  });

  it('that is not listed gets no permission; other clients are not affected', async () => {
    for (const headers of [{ origin: 'https://evil.test' }, { origin: 'null' }, {}] as Record<string, string>[]) {
      const answer = await ask({ ...headers, 'access-control-request-method': 'PUT' }, 'OPTIONS');
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(answer.statusCode).toBe(200);
    }
  });
});

describe('connections', () => {
  it('over the limit are closed at once; another may open when one closes', async () => {
    const { port, guard } = await serve({ limits: { connectionsMax: 2 } });
    const open = () =>
      new Promise<Socket>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.on('error', () => {});
        onTestFinished(() => void socket.destroy());
      });
    const first = await open();
    await open();
    // The server counts a connection when it sees it: an answer on the second shows that it has seen both.
    expect(await raw(port, 'GET /test HTTP/1.1', 'Host: x', 'Connection: close', '', '')).toBe('');
    expect(guard.open).toBe(2);
    const left = new Promise((resolve) => first.on('close', resolve));
    first.end('GET /test HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    first.resume();
    await left;
    for (let text = ''; !text.startsWith('HTTP/1.1 200'); ) {
      text = await raw(port, 'GET /test HTTP/1.1', 'Host: x', 'Connection: close', '', '');
    }
  });

  it.each(['plain', 'TLS'])('that are refused over %s do not harm others', async (kind) => {
    const { port, guard } = await serve({ limits: { connectionsMax: 1 }, ...(kind === 'TLS' ? { tls: {} } : {}) });
    const keeper = connect(port, '127.0.0.1');
    onTestFinished(() => void keeper.destroy());
    await new Promise((resolve) => keeper.on('connect', resolve));
    for (let time = 0; time < 20; time++) expect(await raw(port, 'GET /test HTTP/1.1', '', '')).toBe('');
    expect(guard.open).toBe(1);
  });
});

describe('closing', () => {
  it('waits for answers in progress, then ends the connection', async () => {
    let answer: () => void = () => {};
    let arrived: () => void = () => {};
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    const server = await serve({
      handle({ response }) {
        answer = () => void response.end('answered');
        arrived();
      },
    });
    const answered = new Promise<string>((resolve, reject) => {
      const request = get({ host: '127.0.0.1', port: server.port, path: '/test' }, (response) => {
        response.on('data', (chunk: Buffer) => resolve(chunk.toString()));
      });
      request.on('error', reject);
    });
    await asked;
    const closing = server.close(() => Promise.resolve(answer()));
    expect(await answered).toBe('answered');
    await closing;
  });
});

describe('a Unix socket', () => {
  const path = () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-socket-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return join(folder, 'r.sock');
  };
  const askSocket = (socketPath: string) =>
    new Promise<number>((resolve, reject) => {
      const request = get({ socketPath, path: '/test', agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject);
    });

  it('has the given mode, and is removed at the end', async () => {
    const at = { path: path(), mode: 0o640 };
    const mask = process.umask();
    const server = await serve({ at });
    expect(server.port).toBe(0);
    expect(statSync(at.path).mode & 0o777).toBe(0o640);
    expect(process.umask()).toBe(mask);
    expect(await askSocket(at.path)).toBe(200);
    await server.close(() => Promise.resolve());
    expect(existsSync(at.path)).toBe(false);
  });

  it('replaces the socket of a killed server, but neither a live socket nor another file', async () => {
    const at = { path: path(), mode: 0o600 };
    const left = spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(at.path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(left.signal).toBe('SIGKILL');
    expect(existsSync(at.path)).toBe(true);
    await serve({ at });
    expect(await askSocket(at.path)).toBe(200);
    const limits = defaultLimits;
    const guard = new ConnectionGuard({ limits, clock: systemClock, log });
    const again = (place: string) => listen({ at: { path: place, mode: 0o600 }, services: [], guard, origins, limits, clock: systemClock, log });
    await expect(again(at.path)).rejects.toMatchObject({ code: 'failed_precondition', message: /another program listens there/ });
    expect(await askSocket(at.path)).toBe(200);
    const file = `${at.path}.txt`;
    writeFileSync(file, 'precious');
    await expect(again(file)).rejects.toThrow('it is there and no socket');
    expect(readFileSync(file, 'utf8')).toBe('precious');
    await expect(again(join(at.path, 'below'))).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
