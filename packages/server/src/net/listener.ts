/**
 * An HTTP listener, plain or over TLS; all listeners of a server serve the same front ends. It finds the front end by the path's prefix,
 * guards connections, and shuts down without dropping an answer. It knows no protocol above HTTP.
 */

import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Limits } from '../options.ts';
import { answerClass, type Answer } from './answer.ts';
import { cannotListen } from './cannot-listen.ts';
import type { Certificates } from './certificates.ts';
import { watchClientEnd } from './client-end.ts';
import type { ConnectionGuard } from './connection-guard.ts';
import { answerCrossOrigin } from './cross-origin.ts';
import type { HttpService, Listener } from './frontend.ts';
import type { TcpAddress } from './listen-address.ts';
import { isLeaving, lingerer, type Linger } from './linger.ts';
import { followRequest, plainRefusal, refuseMalformed, type ParserError } from './malformed.ts';
import type { Origins } from './own-origin.ts';
import { badHeadOf, type BadHead } from './request-form.ts';
import { requestClass } from './upgrade.ts';
import { listenOnSocket, type UnixSocket } from './unix-socket.ts';

export interface ListenerOptions {
  readonly at: TcpAddress | UnixSocket;
  /** Present for a listener with TLS. */
  readonly certificates?: Certificates | undefined;
  readonly services: readonly HttpService[];
  readonly guard: ConnectionGuard;
  readonly origins: Origins;
  readonly limits: Pick<Limits, 'headerBytesMax' | 'headersMsMax' | 'requestMsMax' | 'stuckMsMax'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longer than the idle time of common clients and proxies, so that they close first. */
const keepAliveTimeoutMs = 120_000;
/** How often Node looks for connections over their time limit, which may last so much longer. */
const checkingMs = 1_000;
/** When the server closes, connections that have not ended after this time are cut. */
const closeGraceMs = 5_000;
/** The methods that any path accepts. */
const methods = 'GET, HEAD, PUT, POST, DELETE, OPTIONS';
/** Node would drop further headers silently, so a request with more is refused here. */
const headersMax = 200;

/** @throws CannotListen */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { at, services, guard, origins, certificates, limits } = options;
  const served = services.flatMap(({ prefixes }) => prefixes).join(', ');
  const home = services.find((service) => service.home !== undefined)?.home;
  const linger = lingerer(options.clock);
  const refuseSocket = (socket: Socket, { status, reason }: BadHead): void => {
    socket.write(plainRefusal(`${status} ${STATUS_CODES[status]}`, reason, status === 405 ? `Allow: ${methods}\r\n` : ''));
    socket.resume();
    linger(socket);
  };
  const server = makeServer(options, linger);
  const upgraded = new Set<Duplex>();
  server.maxHeadersCount = 0;
  server.timeout = limits.stuckMsMax;
  // A client that has closed its side after its request still gets its answer (`client-end.ts`).
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;

  const handle = (request: IncomingMessage, response: Answer): void => {
    if (isLeaving(request.socket)) return;
    followRequest(request, response);
    const badHead = badHeadOf(request);
    if (badHead !== undefined) {
      refuse(response, badHead);
      return;
    }
    if (origins.allowsOthers && answerCrossOrigin(origins, request, response)) return;
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? '' : target.slice(mark + 1);
    const service = find(services, path);
    if (request.rawHeaders.length > 2 * headersMax) tooManyHeaders(response);
    else if (service !== undefined) service.handle({ request, response, path, query });
    else if (path === '*') answerWhole(response);
    else if (path === '/' && home !== undefined && (request.method === 'GET' || request.method === 'HEAD')) response.writeHead(302, ['Location', home, 'Content-Length', '0']).end();
    else say(response, 404, `no such path ${path.slice(0, 200)}; this server has ${served}\n`);
  };
  server.on('request', handle);
  server.on('checkContinue', (request: IncomingMessage, response: Answer) => {
    response.holdContinue();
    handle(request, response);
  });
  server.on('checkExpectation', (request: IncomingMessage, response: Answer) => {
    followRequest(request, response);
    refuse(response, { status: 417, reason: 'Expect has something else than 100-continue; leave it out' });
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    refuseSocket(socket as Socket, { status: 405, reason: 'CONNECT is not possible: this server is no proxy' });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Without this listener, an error of the socket would end the process.
    socket.on('error', () => socket.destroy());
    const badHead = badHeadOf(request);
    const service = find(services, request.url ?? '/');
    if (badHead !== undefined || service?.upgrade === undefined) {
      refuseSocket(socket as Socket, badHead ?? { status: 404, reason: 'no such path' });
      return;
    }
    // From here on its front end closes connections that are stuck.
    (socket as Socket).setTimeout(0);
    upgraded.add(socket);
    socket.on('close', () => upgraded.delete(socket));
    service.upgrade(request, socket, head);
  });
  server.on('clientError', (error: ParserError, socket: Duplex) => refuseMalformed(error, socket as Socket, linger));
  guardConnections(server, guard);
  const stopFollowing = certificates?.onChange((context) => {
    if ('setSecureContext' in server) (server as TlsServer).setSecureContext(context);
  });

  if ('path' in at) await listenOnSocket(server, at);
  else await listenOnAddress(server, at);
  return {
    port: 'path' in at ? 0 : (server.address() as AddressInfo).port,
    close(answerWaiting) {
      stopFollowing?.();
      return close(server, upgraded, options.clock, answerWaiting);
    },
  };
}

type TlsServer = ReturnType<typeof createTlsServer>;

function makeServer({ certificates, limits, services }: ListenerOptions, linger: Linger): Server {
  const options = {
    IncomingMessage: requestClass(services),
    ServerResponse: answerClass(linger),
    headersTimeout: Math.min(limits.headersMsMax, limits.requestMsMax),
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: keepAliveTimeoutMs,
    maxHeaderSize: limits.headerBytesMax,
    // Refused with a reason instead (`request-form.ts`).
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(checkingMs, limits.headersMsMax),
    noDelay: true,
  };
  if (certificates === undefined) return createServer(options);
  const server = createTlsServer({
    ...options,
    ...certificates.context,
    requestCert: certificates.verifyIncoming,
    rejectUnauthorized: certificates.verifyIncoming,
    // A slow handshake is the same attack as slow headers, one layer below.
    handshakeTimeout: limits.headersMsMax,
  });
  server.on('tlsClientError', (error) => certificates.handshakeFailed(error));
  return server;
}

/** Hides connections that are not admitted from Node's own listeners. */
function guardConnections(server: Server, guard: ConnectionGuard): void {
  const inner = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!guard.admit(socket)) return;
    for (const accept of inner) accept.call(server, socket);
    watchClientEnd(socket);
  });
}

function find(services: readonly HttpService[], path: string): HttpService | undefined {
  for (const service of services) {
    for (const prefix of service.prefixes) if (path.startsWith(prefix)) return service;
  }
  return undefined;
}

/** `OPTIONS *` asks for the methods of the whole server (RFC 9110 §9.3.7). */
function answerWhole(response: Answer): void {
  if (response.req.method !== 'OPTIONS') {
    refuse(response, { status: 400, reason: `the request target * goes with OPTIONS only` });
    return;
  }
  response.writeHead(200, ['Allow', methods, 'Content-Length', '0']);
  response.end();
}

/** The end of a malformed request may be wrong as well, so the connection closes after the answer. */
function refuse(response: Answer, { status, reason }: BadHead): void {
  response.endConnection();
  say(response, status, `${reason}\n`);
}

function tooManyHeaders(response: Answer): void {
  refuse(response, { status: 431, reason: `a request may have ${headersMax} headers` });
}

function say(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body))]);
  response.end(body);
}

function listenOnAddress(server: Server, { host, port, exclusive = false }: TcpAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen('cannot listen', { host, port }, cause)));
    server.listen({ host, port, exclusive, backlog: 4_096 }, resolve);
  });
}

async function close(
  server: Server,
  upgraded: ReadonlySet<Duplex>,
  clock: Clock,
  answerWaiting: () => Promise<unknown>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cancel = clock.timer(closeGraceMs, () => {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
  });
  await answerWaiting();
  server.closeIdleConnections();
  await closed;
  cancel();
}
