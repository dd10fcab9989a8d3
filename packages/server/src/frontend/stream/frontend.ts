/**
 * The native stream: lifecycle of the front end. It takes WebSocket handshakes, visits the open
 * streams to find the broken ones, and sends all clients to other servers when this one closes.
 */

import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { streamPath, toRegistryError } from '@rollcall/protocol';
import { WebSocketServer } from 'ws';
import { nodeHeader } from '../../net/agent-node.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures, type Origin } from '../../security/gate.ts';
import { requestAccess } from './access.ts';
import type { Failure } from './config/config-reading.ts';
import { ConfigFeeds } from './config/config-feeds.ts';
import type { ConfigRef } from '../../registry/kind/config/rows.ts';
import { FanOut } from '../../net/fan-out.ts';
import { Turns } from '../../net/turns.ts';
import { FreshnessNews } from './freshness-news.ts';
import { moveAll, moveWhenStale } from '../../net/moving.ts';
import { requestToken } from '../../net/request-token.ts';
import { PingSweep, pingMs } from './ping-sweep.ts';
import { LargeAnswers } from './large-answers.ts';
import { Sessions } from './sessions.ts';
import { Stream } from './stream.ts';
import { Feeds } from './watches.ts';

/** Time that clients have to close their connections when the server closes. */
const closeGraceMs = 1_000;

export function stream(context: Context): Frontend {
  const { limits, metrics, registry } = context;
  assertAccessDeclared('stream', Object.entries(requestAccess).map(([name, access]) => ({ name, access })));
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Frames are small and go to many clients, which get the same bytes.
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
  });
  const fanOut = new FanOut();
  const { configurations, identity } = context;
  const configs = new ConfigFeeds({ registry, configurations, fanOut, datacentre: identity.datacenter });
  const readers = {
    ...{ feeds: configs, readers: configurations.readers, now: () => context.clock.now() },
    onFailure({ namespace, app, cluster, name }: ConfigRef, failure: Failure): void {
      registry.submit({ kind: 'config-report', namespace, app, cluster, name, ...failure }).catch((err: unknown) => context.log.warn({ err, app, name }, 'a report about a rollout was lost'));
    },
  };
  const feeds = new Feeds(registry, fanOut);
  const sessions = new Sessions();
  const turns = new Turns();
  const sweep = new PingSweep<Stream>(context.wheel, context.clock, () => fanOut.busy);
  const open = new Set<Stream>();
  const freshnessNews = new FreshnessNews(registry, open, fanOut);
  const stopMoving = moveWhenStale(open, context);
  let closing = false;
  let onEmpty: () => void = () => {};
  context.clients.add(function* () {
    for (const { client } of open) yield client;
  });
  metrics.observe('rollcall_stream_views', 'Views that native streams watch', () => feeds.size + configs.size);

  /** Finds the caller that opens the stream; for a bad token, answers the handshake and returns undefined. */
  function enter(request: IncomingMessage, socket: Duplex, origin: Origin): Caller | undefined {
    try {
      return context.security.gate.enter(requestToken(request), origin);
    } catch (error) {
      const { code, message } = toRegistryError(error);
      if (code === 'internal') context.log.error({ err: error }, 'a handshake failed');
      const retry = error instanceof TooManyFailures ? [`Retry-After: ${Math.ceil(error.retryAfterMs / 1_000)}`] : [];
      const more = code === 'unauthenticated' ? ['WWW-Authenticate: Bearer'] : retry;
      refuse(socket, `${statusByCode[code]} ${STATUS_CODES[statusByCode[code]] ?? code}`, message, more);
      return undefined;
    }
  }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const origin = originOf(request);
    const caller = enter(request, socket, origin);
    if (caller === undefined) return;
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const opened: Stream = new Stream({
        context,
        feeds,
        readers,
        sessions,
        large: new LargeAnswers(turns),
        socket,
        webSocket,
        caller,
        origin,
        namedNode: header(request, nodeHeader),
        pingMs,
        onClosed: () => {
          sweep.remove(opened);
          open.delete(opened);
          metrics.streams.set(open.size);
          if (open.size === 0) onEmpty();
        },
      });
      open.add(opened);
      sweep.add(opened);
      metrics.streams.set(open.size);
      metrics.request('stream', 101);
    });
  }

  return {
    name: 'stream',
    http: {
      prefixes: [streamPath],

      handle({ response }: Exchange): void {
        metrics.request('stream', 426);
        const body = `${streamPath} is a WebSocket\n`;
        response.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade', 'Content-Length': body.length });
        response.end(body);
      },

      upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
        const foreign = context.origins.refusal(request);
        const path = (request.url ?? '').replace(/\?.*$/, '');
        if (path !== streamPath) refuse(socket, '404 Not Found', 'no such path');
        else if (closing) refuse(socket, '503 Service Unavailable', 'the server is closing');
        else if (foreign !== undefined) {
          context.security.gate.record('denied', undefined, '', originOf(request), `handshake, for a page: ${foreign}`);
          refuse(socket, '403 Forbidden', foreign);
        } else accept(request, socket, head);
      },
    },

    drain(): Promise<void> {
      closing = true;
      return moveAll(open, context);
    },

    async close(): Promise<void> {
      closing = true;
      stopMoving();
      sweep.close();
      freshnessNews.close();
      if (open.size === 0) return;
      const empty = new Promise<void>((resolve) => (onEmpty = resolve));
      for (const one of open) one.dismiss();
      const impatient = context.clock.timer(closeGraceMs, () => {
        for (const one of open) one.terminate();
      });
      await empty;
      impatient();
    },
  };

  function refuse(socket: Duplex, status: string, reason: string, more: readonly string[] = []): void {
    metrics.request('stream', Number.parseInt(status, 10));
    const length = `Content-Length: ${Buffer.byteLength(reason)}`;
    const head = ['Connection: close', 'Content-Type: text/plain; charset=utf-8', length, ...more];
    socket.end(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${reason}`);
  }
}

function originOf({ socket }: IncomingMessage): Origin {
  return { address: socket.remoteAddress ?? '', via: 'stream' };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
