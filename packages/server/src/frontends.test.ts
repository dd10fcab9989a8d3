/**
 * The port of a front end, with a front end of the test: it serves HTTP/2 over TLS on its own listener, as a gRPC front end
 * would, and reports each change to its clients. Also, which front ends a server runs.
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createSecureServer, type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { RegistryError } from '@rollcall/protocol';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../conformance/free-ports.mjs';
import { memory } from './engine/memory/memory.ts';
import { chooseFrontends, frontendTable, type FrontendEntry, type FrontendTable } from './frontends.ts';
import { TestAuthority } from './net/certificates.case.ts';
import type { Context, Frontend, Listener } from './net/frontend.ts';
import type { ListenAddress } from './net/listen-address.ts';
import { createServer, startServer, type Server, type ServerOptions } from './server.ts';

const authority = new TestAuthority();

function tlsFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-frontends-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const renew = () => {
    const { cert, key } = authority.issue();
    writeFileSync(files.certFile, cert);
    writeFileSync(files.keyFile, key);
  };
  renew();
  return { tls: files, renew };
}

/** Sends the revision of the registry at once, and again for each change, as lines over HTTP/2. */
function revisions({ registry }: Context): Frontend {
  const streams = new Set<ServerHttp2Stream>();
  const say = (stream: ServerHttp2Stream) => stream.write(`${registry.state.revision}\n`);
  const stopObserving = registry.observe({
    observe: () => streams.forEach(say),
    *replaced() {
      streams.forEach(say);
      yield;
    },
  });
  return {
    name: 'revisions',
    async listen({ at }, { guard, certificates }): Promise<Listener> {
      const server = createSecureServer({ ...certificates?.context });
      const sockets = new Set<Socket>();
      server.on('connection', (socket: Socket) => {
        if (guard.admit(socket)) sockets.add(socket.once('close', () => sockets.delete(socket)));
      });
      server.on('stream', (stream: ServerHttp2Stream) => {
        streams.add(stream.once('close', () => streams.delete(stream)));
        stream.respond({ ':status': 200 });
        say(stream);
      });
      const stopFollowing = certificates?.onChange((context) => server.setSecureContext(context));
      server.listen(at);
      await once(server, 'listening').catch((cause: unknown) => {
        throw new RegistryError('failed_precondition', `cannot listen on ${JSON.stringify(at)}`, { cause });
      });
      return {
        port: (server.address() as AddressInfo).port,
        async close(answerWaiting) {
          stopFollowing?.();
          const closed = once(server, 'close');
          server.close();
          await answerWaiting();
          for (const socket of sockets) socket.destroySoon();
          await closed;
        },
      };
    },
    async close() {
      stopObserving();
      await Promise.all(
        Array.from(streams, (stream) => {
          stream.end('the server is closing\n');
          return once(stream, 'close');
        }),
      );
    },
  };
}

/** The table with that front end added, at an address that the test chooses. */
function tableWith(more: Omit<ListenAddress, 'name' | 'tokens'>, make: FrontendEntry['make'] = revisions): FrontendTable {
  return { ...frontendTable, revisions: { make, addresses: () => [{ name: 'revisions', tokens: true, ...more }] } };
}

const loopback = { host: '127.0.0.1', port: 0 };

async function start(options: ServerOptions, table: FrontendTable): Promise<Server> {
  const server = await startServer(options, table);
  onTestFinished(() => server.close());
  return server;
}

function dial({ ports }: Server): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${ports.revisions}`, { ca: authority.cert });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

/** The lines that arrive on a new stream, one at a time. */
async function* lines(session: ClientHttp2Session): AsyncGenerator<string> {
  const stream = session.request({ ':path': '/' });
  let unread = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const parts = (unread + String(chunk)).split('\n');
    unread = parts.pop() ?? '';
    yield* parts;
  }
}

const next = async (from: AsyncGenerator<string>) => (await from.next()).value as string | undefined;

const putKey = async (server: Server) => {
  const answer = await fetch(`${server.url}/v1/kv/a`, { method: 'PUT', body: String(server.registry.state.revision) });
  expect(await answer.text()).toBe('true');
};

describe('a front end with its own listener', () => {
  test('is opened over TLS beside HTTP and DNS, its port is reported, and it observes the registry', async () => {
    const { tls } = tlsFiles();
    const server = await start({ dns: {} }, tableWith({ at: loopback, tls }));
    expect(server.ports).toEqual({ http: expect.any(Number), dns: expect.any(Number), revisions: expect.any(Number) });
    expect(new Set(Object.values(server.ports)).size).toBe(3);
    const told = lines(dial(server));
    const first = Number(await next(told));
    expect(first).toBe(server.registry.state.revision);
    await putKey(server);
    expect(Number(await next(told))).toBe(first + 1);
  });

  test('gets the new certificate when the server reloads certificates', async () => {
    const { tls, renew } = tlsFiles();
    const server = await start({}, tableWith({ at: loopback, tls }));
    const serial = async () => {
      const session = dial(server);
      await once(session, 'connect');
      return (session.socket as TLSSocket).getPeerCertificate().serialNumber;
    };
    const before = await serial();
    renew();
    expect(await server.reloadCertificates()).toBe(true);
    expect(await serial()).not.toBe(before);
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('rollcall_tls_certificate_expiry_timestamp_seconds');
  });

  test('answers waiting requests before its connections close, as HTTP does', async () => {
    const { tls } = tlsFiles();
    const server = await start({}, tableWith({ at: loopback, tls }));
    const told = lines(dial(server));
    await next(told);
    const parked = fetch(`${server.url}/v1/kv/a?index=${server.registry.state.revision}`);
    while ((await server.metrics.parked.get()).values[0]?.value !== 1) await new Promise(setImmediate);
    await server.close();
    expect(await next(told)).toBe('the server is closing');
    expect((await parked).status).toBe(404);
  });

  test.each<[string, ServerOptions, string]>([
    ['without access control', {}, 'there is no access control'],
    ['without TLS', { acl: {} }, 'there is no TLS'],
  ])('is refused an address that other machines reach, %s, before the store is read', async (_name, options, reason) => {
    let made = false;
    const table = tableWith({ at: { host: '0.0.0.0', port: 7 } }, (context) => ((made = true), revisions(context)));
    await expect(startServer(options, table)).rejects.toThrow(`refusing to listen on 0.0.0.0 (revisions, port 7): other machines can reach it; ${reason}`);
    expect(made).toBe(false);
  });

  test('whose address is taken fails the start and leaves no listener open; an optional one is left out', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const at = { host: '127.0.0.1', port: (taken.address() as AddressInfo).port };
    const port = await freePort();
    await expect(startServer({ http: { port } }, tableWith({ at }))).rejects.toMatchObject({ code: 'failed_precondition' });
    const warnings: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
    const server = await start({ http: { port }, log }, tableWith({ at, optional: true }));
    expect(server.ports).toEqual({ http: port });
    expect(warnings.join()).toContain('revisions is not served');
  });
});

describe('the front ends of a server', () => {
  const names = (options: ServerOptions) =>
    chooseFrontends(options, frontendTable).map(({ name }) => name);

  test.each<[string, ServerOptions, string[]]>([
    ['are those over HTTP by default', {}, ['consul', 'stream', 'admin', 'peer', 'eureka', 'nacos', 'config', 'prometheus', 'locks', 'keys', 'routes', 'actions', 'catalog', 'ofrep', 'spring-config', 'apollo', 'console', 'history', 'clients', 'access', 'activity', 'webhooks', 'agents', 'xds', 'flagd']],
    ['have DNS when it has options', { dns: {} }, ['consul', 'stream', 'admin', 'peer', 'eureka', 'nacos', 'config', 'prometheus', 'locks', 'keys', 'routes', 'actions', 'catalog', 'ofrep', 'spring-config', 'apollo', 'console', 'history', 'clients', 'access', 'activity', 'webhooks', 'agents', 'xds', 'flagd', 'dns']],
    ['are those that are named, in the order of the table', { frontends: ['dns', 'admin'] }, ['admin', 'dns']],
  ])('%s', (_name, options, expected) => {
    expect(names(options)).toEqual(expected);
  });

  test('that are unknown, or have options but are not named, are an error', () => {
    expect(() => names({ frontends: ['finger' as 'dns'] })).toThrow('there is no front end "finger"; there are consul, stream, admin, peer, eureka, nacos, config, prometheus, locks, keys, routes, actions, catalog, ofrep, spring-config, apollo, console, history, clients, access, activity, webhooks, agents, xds, flagd, dns, zookeeper');
    expect(() => names({ frontends: ['admin'], dns: {} })).toThrow('there are options for dns, but frontends does not name it');
  });

  test('are loaded late with the prefixes of the table, and then answer in their protocols', async () => {
    const errors: string[] = [];
    const server = await start({ log: pino({ level: 'error' }, { write: (line: string) => void errors.push(line) }) }, frontendTable);
    const late = Object.values<FrontendEntry>(frontendTable).flatMap((entry) => entry.late ?? []);
    expect(late.length).toBeGreaterThan(10);
    for (const prefix of late) expect(await (await fetch(server.url + prefix, { redirect: 'manual' })).text(), prefix).not.toMatch(/could not be loaded|^no such path \S+; this server has/);
    expect(errors).toEqual([]);
  });

  test('one of them has the page to which a browser at the address of the server is sent', async () => {
    const server = await start({}, frontendTable);
    const ask = async (method: string) => {
      const { status, headers } = await fetch(`${server.url}/?q`, { method, redirect: 'manual' });
      return [status, headers.get('location')];
    };
    expect([await ask('GET'), await ask('HEAD'), await ask('POST')]).toEqual([[302, '/ui/'], [302, '/ui/'], [404, null]]);
  });

  test('start with the server when they have options', async () => {
    const made: string[] = [];
    const table: FrontendTable = {
      admin: frontendTable.admin,
      early: { make: () => (made.push('early'), { name: 'early', http: { prefixes: ['/early'], handle: ({ response }) => response.end() }, close: async () => {} }), late: ['/early'], hasOptions: () => true },
      late: { make: () => (made.push('late'), { name: 'late', http: { prefixes: ['/late'], handle: ({ response }) => response.end() }, close: async () => {} }), late: ['/late'] },
    };
    const server = await start({}, table);
    expect(made).toEqual(['early']);
    expect((await fetch(`${server.url}/late`)).status).toBe(200);
    expect(made).toEqual(['early', 'late']);
  });

  test('serve no other protocol', async () => {
    const server = await createServer({ frontends: ['admin', 'dns'] });
    onTestFinished(() => server.close());
    expect(server.ports.dns).toBeGreaterThan(0);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    const missing = await fetch(`${server.url}/v1/agent/self`);
    expect(missing.status).toBe(404);
    expect(await missing.text()).toMatch(/^no such path \/v1\/agent\/self; this server has \/metrics, \/healthz, \/readyz, /);
  });

  test('must include one over HTTP; otherwise the engine is closed', async () => {
    let closed = 0;
    const engine = memory();
    const starting = createServer({ engine: { ...engine, close: () => (closed++, engine.close()) }, frontends: ['dns'] });
    await expect(starting).rejects.toThrow('none of the chosen front ends is served over HTTP');
    expect(closed).toBe(1);
  });
});

describe('a further HTTP address that a front end asks for', () => {
  const further = (at: { readonly host: string; readonly port: number }): FrontendTable => ({
    ...frontendTable,
    revisions: { make: revisions, addresses: () => [], httpAddresses: () => [{ name: 'more', at, tokens: true }] },
  });

  test('serves all front ends, and its port is reported beside the others', async () => {
    const server = await start({}, further(loopback));
    expect(server.ports.more).toBeGreaterThan(0);
    expect(server.ports.more).not.toBe(server.ports.http);
    for (const path of ['/readyz', '/v1/agent/self']) {
      expect((await fetch(`http://127.0.0.1:${server.ports.more}${path}`)).status).toBe(200);
    }
    expect(server.url).toBe(`http://127.0.0.1:${server.ports.http}`);
  });

  test('is under the bind policy like every other', async () => {
    const starting = startServer({}, further({ host: '0.0.0.0', port: 0 }));
    await expect(starting).rejects.toThrow('0.0.0.0');
    await expect(starting).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  test('that another program has fails the start', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    await expect(startServer({}, further({ host: '127.0.0.1', port }))).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
