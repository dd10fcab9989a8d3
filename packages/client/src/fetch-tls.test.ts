import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import axios from 'axios';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { TestAuthority, type Wanted } from '../../server/src/net/certificates.case.ts';
import { inOrder } from './balancer/in-order.case.ts';
import type { TlsOptions } from './http/connecting.ts';
import { webServer } from './http/web-server.case.ts';
import { serviceDispatcher } from './integration/dispatcher.ts';
import { ServiceAgent } from './integration/http-agent.ts';
import { openWebSocket } from './integration/web-socket.ts';
import { ServiceClient } from './service-client.ts';
import type { ServiceOptions } from './service-options.ts';
import { type StaticInstance, StaticSource } from './source/static-source.ts';

const authority = new TestAuthority();
const ca = authority.cert;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Answers with the protocol, the name in the client's certificate, and the requested server name. */
async function secure(wanted: Wanted = {}, options: ServerOptions = {}) {
  let requests = 0;
  const server: Server = createHttpsServer({ ...authority.issue(wanted), ...options }, ({ socket }, response) => {
    requests += 1;
    const { servername } = socket as TLSSocket & { readonly servername: string | false };
    const subject = (socket as TLSSocket).getPeerCertificate().subject as { CN?: string } | undefined;
    response.end(`tls ${subject?.CN ?? 'unknown'} for ${servername === false ? 'no name' : servername}`);
  });
  return { server, requests: () => requests, ...(await listen(server)) };
}

async function listen(server: Server | Http2SecureServer) {
  server.on('tlsClientError', () => {});
  let connections = 0;
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

const at = (port: number, meta: Record<string, string> = {}): StaticInstance => ({ address: '127.0.0.1', port, meta });

function client(instances: readonly StaticInstance[], options: ServiceOptions = {}) {
  const source = new StaticSource({ web: instances });
  const web = new ServiceClient(source, 'web', { balancer: inOrder, hedging: false, ...options });
  cleanups.push(() => web.close());
  return { web, source, text: async () => (await web.fetch('/')).text() };
}

const because = (message: RegExp) => expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(message) as string }) as object });

describe('TLS', () => {
  it('is used with all instances of a service whose options say so', async () => {
    const { port } = await secure();
    const { web, text } = client([at(port)], { tls: { ca } });
    expect(await text()).toBe('tls unknown for no name');
    const response = await web.fetch('https://web.rollcall/x');
    expect([response.status, response.url]).toEqual([200, 'https://web.rollcall/x']);
    expect((await web.fetch('http://web.rollcall/x')).status).toBe(200);
  });

  it('is used even if an instance has the scheme http', async () => {
    const plain = await webServer((_request, response) => response.end('plain'));
    cleanups.push(() => plain.kill());
    const port = Number(plain.authority.split(':')[1]);
    const { text } = client([at(port, { scheme: 'http', secure: 'false' })], { tls: { ca } });
    await expect(text()).rejects.toEqual(because(/does not speak TLS there; leave tls out/));
  });

  it('is used with instances that are marked in their metadata, and plain HTTP with the others', async () => {
    const plain = await webServer((_request, response) => response.end('plain'));
    cleanups.push(() => plain.kill());
    const plainPort = Number(plain.authority.split(':')[1]);
    const { port } = await secure();
    const tls: TlsOptions = { ca, instances: 'marked' };
    for (const meta of [{ scheme: 'https' }, { secure: 'true' }, { scheme: 'https', secure: 'false' }]) {
      expect(await client([at(port, meta)], { tls }).text()).toMatch(/^tls/);
    }
    for (const meta of [{}, { scheme: 'http', secure: 'true' }, { secure: 'false' }]) {
      expect(await client([at(plainPort, meta)], { tls }).text()).toBe('plain');
      expect(await client([at(plainPort, meta)]).text()).toBe('plain');
    }
    expect(await client([{ address: '127.0.0.1', port, meta: { scheme: 'http' }, scheme: 'https' }], { tls }).text()).toMatch(/^tls/);
    expect(await client([{ address: '127.0.0.1', port: plainPort, meta: { secure: 'true' }, scheme: 'http' }], { tls }).text()).toBe('plain');
    expect(await client([at(plainPort, { scheme: 'https' })], { tls: { instances: 'none' } }).text()).toBe('plain');
  });

  it('begins as soon as an instance’s metadata require it', async () => {
    const plain = await webServer((_request, response) => response.end('plain'));
    cleanups.push(() => plain.kill());
    const port = Number(plain.authority.split(':')[1]);
    const { text, source } = client([at(port)], { tls: { ca, instances: 'marked' } });
    expect(await text()).toBe('plain');
    source.set('web', [at(port, { scheme: 'https' })]);
    await expect(text()).rejects.toEqual(because(/does not speak TLS there/));
    source.set('web', [at(port, { other: 'x' })]);
    expect(await text()).toBe('plain');
  });

  it('shows this client’s certificate to instances that require one', async () => {
    const { port } = await secure({}, { ca, requestCert: true, rejectUnauthorized: true });
    const own = authority.issue({ commonName: 'shop' });
    expect(await client([at(port)], { tls: { ca, ...own } }).text()).toBe('tls shop for no name');
    await expect(client([at(port)], { tls: { ca } }).text()).rejects.toEqual(because(/a certificate of this client/));
  });

  it('accepts an instance only if its certificate is for the address, or for the configured name', async () => {
    const { port } = await secure({ names: ['web.internal'] });
    await expect(client([at(port)], { tls: { ca } }).text()).rejects.toEqual(because(/is for another name \(DNS:web\.internal\).*tls\.serverName/));
    expect(await client([at(port)], { tls: { ca, serverName: 'web.internal' } }).text()).toBe('tls unknown for web.internal');
  });

  it('accepts an instance only if a trusted authority signed its certificate, unless the check is off', async () => {
    const { port } = await secure();
    const other = new TestAuthority('another');
    for (const tls of [{}, { ca: other.cert }]) {
      await expect(client([at(port)], { tls }).text()).rejects.toEqual(because(/not signed by an authority that is trusted here.*tls\.ca/));
    }
    expect(await client([at(port)], { tls: { ca: [other.cert, ca] } }).text()).toMatch(/^tls/);
    expect(await client([at(port)], { tls: { verify: false } }).text()).toMatch(/^tls/);
  });

  it('is used to check whether an ejected instance is reachable again', async () => {
    const broken = await secure({}, new TestAuthority('another').issue());
    const other = await secure();
    const events: string[] = [];
    const { web, text } = client([at(broken.port), at(other.port)], {
      ...{ tls: { ca }, ejection: { baseMs: 10, maxMs: 10 }, onEvent: ({ kind }) => events.push(kind) },
    });
    expect(await text()).toMatch(/^tls/);
    expect(events).toContain('ejected');
    events.length = 0;
    // The first connection was a request's; those after it are checks.
    while (broken.connections() < 6) await text();
    expect(events).toEqual([]);
    broken.server.setSecureContext(authority.issue());
    const before = broken.requests();
    while (broken.requests() === before) await text();
    expect(events).toEqual([]);
    await web.close();
  });

  it('is recommended in the error when an instance does not speak plain HTTP', async () => {
    const { port } = await secure();
    await expect(client([at(port)]).text()).rejects.toEqual(because(/does it want TLS, or a certificate of this client/));
  });

  it('is required by a URL that begins with https:', async () => {
    const { port } = await secure();
    for (const tls of [undefined, { ca, instances: 'marked' }, { instances: 'none' }] as const) {
      const { web } = client([at(port, { scheme: 'https' })], tls && { tls });
      await expect(web.fetch('https://web.rollcall/')).rejects.toEqual(because(/not all instances are asked over TLS/));
    }
  });

  it('sends a request to another instance after a failed handshake, since nothing was sent', async () => {
    const [wrong, right] = [await secure({ names: ['other'] }), await secure()];
    const { web } = client([at(wrong.port), at(right.port)], { tls: { ca } });
    expect((await web.fetch('/', { method: 'POST', body: 'x' })).status).toBe(200);
    expect(wrong.connections()).toBe(1);
  });

  it('refuses options that contradict each other', () => {
    const { cert, key } = authority.issue();
    expect(() => client([], { tls: { cert } })).toThrow(/belong together/);
    expect(() => client([], { tls: { key } })).toThrow(/belong together/);
    expect(() => client([], { tls: { instances: 'some' as 'all' } })).toThrow(/must be all, marked or none/);
  });
});

describe('HTTP/2', () => {
  async function setUp(options: ServiceOptions = {}) {
    const sessions = new Set<ServerHttp2Session>();
    const server = createSecureServer({ ...authority.issue(), allowHTTP1: true }, (incoming, response) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => {
        response.setHeader('x-version', incoming.httpVersion);
        if (incoming.url === '/events') response.write('data: 1\n\n');
        else response.end(`${incoming.method} ${body}`);
      });
    });
    server.on('session', (session) => sessions.add(session));
    cleanups.push(() => sessions.forEach((session) => session.destroy()));
    const { port } = await listen(server);
    return { ...client([at(port)], { tls: { ca }, ...options }), sessions };
  }

  it('is used when it is on and the instance supports it; requests without a body share a connection', async () => {
    const { web, text, sessions } = await setUp({ connections: { http2: true } });
    expect(await text()).toBe('GET ');
    const responses = await Promise.all(Array.from({ length: 20 }, () => web.fetch('/')));
    expect(responses.map(({ headers }) => headers.get('x-version'))).toEqual(Array(20).fill('2.0'));
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(Array(20).fill('GET '));
    expect(sessions.size).toBe(1);
  });

  it('does not make a request with a body wait for an endless stream', async () => {
    const { web, sessions } = await setUp({ connections: { http2: true } });
    const events = await web.fetch('/events');
    const response = await web.fetch('/', { method: 'POST', body: 'x' });
    expect([response.headers.get('x-version'), await response.text()]).toEqual(['2.0', 'POST x']);
    expect(sessions.size).toBe(2);
    await events.body?.cancel();
  });

  it('is not used otherwise', async () => {
    const { web, sessions } = await setUp();
    expect((await web.fetch('/')).headers.get('x-version')).toBe('1.1');
    expect(sessions.size).toBe(0);
  });

  it('is optional: an instance without it answers in HTTP/1.1', async () => {
    const { port } = await secure();
    expect(await client([at(port)], { tls: { ca }, connections: { http2: true } }).text()).toMatch(/^tls/);
  });
});

describe('other ways to a service that requires TLS', () => {
  const own = authority.issue({ commonName: 'shop' });

  async function setUp() {
    const { server, port, connections } = await secure({}, { ca, requestCert: true, rejectUnauthorized: true });
    const { web } = client([at(port)], { tls: { ca, ...own } });
    return { server, web, connections, find: () => web };
  }

  it('undici, with a dispatcher', async () => {
    const { find } = await setUp();
    const dispatcher = serviceDispatcher(find);
    cleanups.push(() => dispatcher.close());
    for (const url of ['http://web.rollcall/', 'https://web.rollcall/']) {
      expect(await (await request(url, { dispatcher })).body.text()).toBe('tls shop for no name');
    }
  });

  it('axios, with an agent, over one connection', async () => {
    const { find, connections } = await setUp();
    const httpAgent = new ServiceAgent(find);
    cleanups.push(() => httpAgent.destroy());
    for (let n = 0; n < 3; n++) {
      expect((await axios.get<string>('http://web.rollcall/', { httpAgent, proxy: false })).data).toBe('tls shop for no name');
    }
    expect(connections()).toBe(1);
  });

  it('an agent does not use a connection of TLS for plain requests, nor the other way round', async () => {
    const plain = await webServer((_request, response) => response.end('plain'));
    cleanups.push(() => plain.kill());
    const { web } = client([at(Number(plain.authority.split(':')[1]))]);
    const { find } = await setUp();
    const httpAgent = new ServiceAgent((name) => (name === 'web' ? find() : web));
    cleanups.push(() => httpAgent.destroy());
    const get = async (name: string) => (await axios.get<string>(`http://${name}.rollcall/`, { httpAgent, proxy: false })).data;
    expect([await get('web'), await get('plain'), await get('web'), await get('plain')]).toEqual([
      ...['tls shop for no name', 'plain', 'tls shop for no name', 'plain'],
    ]);
  });

  it('a WebSocket with wss:', async () => {
    const { server, web } = await setUp();
    const sockets = new WebSocketServer({ server });
    cleanups.push(() => sockets.close());
    sockets.on('connection', (socket, { socket: from }) =>
      socket.send(((from as TLSSocket).getPeerCertificate().subject as unknown as { CN: string }).CN),
    );
    // A frame that is sent at once arrives together with the handshake's answer.
    const opened = openWebSocket(web, '/');
    const message = opened.then((socket) => once(socket, 'message'));
    expect(String(((await message) as [Buffer])[0])).toBe('shop');
    (await opened).terminate();
  });

  it('a program’s own connection, with the options of tlsOf', async () => {
    const { web } = await setUp();
    expect(web.tlsOf(web.pick().instance)).toEqual({ ca, ...own, rejectUnauthorized: true });
    expect(client([at(1)]).web.tlsOf((await client([at(1)]).web.instances())[0]!)).toBeUndefined();
  });
});

describe('connections', () => {
  it('never exceed their limit for one instance; requests wait for one', async () => {
    let waiting: (() => void)[] = [];
    const server = await webServer((_request, response) => {
      waiting.push(() => response.end('ok'));
      if (waiting.length === 2) for (const go of waiting.splice(0)) go();
    });
    cleanups.push(() => server.kill());
    const { text } = client([server.authority], { connections: { max: 2 } });
    expect(await Promise.all([text(), text(), text(), text()])).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(server.sockets.size).toBe(2);
    waiting = [];
  });

  it('without a request are closed after idleMs', async () => {
    const server = await webServer((_request, response) => {
      response.shouldKeepAlive = true;
      response.end('ok');
    });
    // No hint of the server's own.
    server.server.keepAliveTimeout = 0;
    cleanups.push(() => server.kill());
    const { text } = client([server.authority], { connections: { idleMs: 50 } });
    const connected = once(server.server, 'connection');
    expect(await text()).toBe('ok');
    const [socket] = (await connected) as [TLSSocket];
    await once(socket, 'close');
  });

  it('whose answer is silent for too long are closed, if there is a limit', async () => {
    const server = await webServer((_request, response) => response.write('data: 1\n\n'));
    cleanups.push(() => server.kill());
    // Undici counts such times in steps of half a second or more.
    const { web } = client([server.authority], { connections: { silenceMs: 100 } });
    await expect((await web.fetch('/')).text()).rejects.toMatchObject({ cause: { name: 'BodyTimeoutError' } });
  });

  it.each([
    ['max', 0],
    ['max', 1.5],
    ['idleMs', 0],
    ['silenceMs', -1],
    ['silenceMs', Infinity],
  ])('have limits: %s is not %d', (option, value) => {
    expect(() => client([], { connections: { [option]: value } })).toThrow(new RegExp(`^connections\\.${option} is `));
  });
});
