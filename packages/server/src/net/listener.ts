/**
 * The HTTP listener that all front ends share: it finds the front end by the path's prefix, guards
 * connections, and shuts down without dropping an answer. It knows no protocol above HTTP.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Limits } from '../options.ts';
import type { Frontend } from './frontend.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly frontends: readonly Frontend[];
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting, lets front ends answer what waits, then closes every connection. */
  close(): Promise<void>;
}

/** Headers must arrive within this time, or the connection is a slow attack. */
const headersTimeoutMs = 10_000;
/** A whole request must arrive within this time. */
const requestTimeoutMs = 60_000;
/** Longer than the idle time of common clients and proxies, so that they close first. */
const keepAliveTimeoutMs = 120_000;
/** After this, a connection that does not finish is cut. */
const closeGraceMs = 5_000;

/** @throws RegistryError `failed_precondition` when the address cannot be listened on */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { frontends, limits, log } = options;
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: 5_000,
    noDelay: true,
  });
  server.maxConnections = limits.connectionsMax;
  const upgraded = new Set<Duplex>();

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? '' : target.slice(mark + 1);
    const frontend = find(frontends, path);
    if (frontend === undefined) notFound(response);
    else frontend.handle({ request, response, path, query });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const frontend = find(frontends, request.url ?? '/');
    // Without a listener of its own, a socket that breaks would take the process with it.
    socket.on('error', () => socket.destroy());
    if (frontend?.upgrade === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    upgraded.add(socket);
    socket.on('close', () => upgraded.delete(socket));
    frontend.upgrade(request, socket, head);
  });
  server.on('clientError', refuseMalformed);
  server.on('drop', () => log.warn({ limit: limits.connectionsMax }, 'connection refused: too many are open'));

  await start(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => close(server, upgraded, options),
  };
}

function find(frontends: readonly Frontend[], path: string): Frontend | undefined {
  for (const frontend of frontends) {
    for (const prefix of frontend.prefixes) if (path.startsWith(prefix)) return frontend;
  }
  return undefined;
}

function notFound(response: ServerResponse): void {
  const body = 'no such path; Rollcall serves the Consul HTTP API under /v1/, and /metrics, /healthz, /readyz\n';
  response.writeHead(404, ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', String(body.length)]);
  response.end(body);
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function start(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE'
          ? 'another program listens there; stop it or choose another port'
          : cause.message;
      reject(new RegistryError('failed_precondition', `cannot listen on ${host}:${port}: ${reason}`, { cause }));
    });
    server.listen({ host, port, backlog: 4_096 }, resolve);
  });
}

async function close(server: Server, upgraded: Set<Duplex>, options: ListenerOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cancel = options.clock.timer(closeGraceMs, () => {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
  });
  await Promise.all(options.frontends.map((frontend) => frontend.close()));
  server.closeIdleConnections();
  await closed;
  cancel();
}
