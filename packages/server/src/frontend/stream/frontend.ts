/**
 * The native stream: lifecycle of the front end. It takes WebSocket handshakes, visits the open
 * streams to find the dead ones, and sends everybody elsewhere when the server closes.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { streamPath } from '@rollcall/protocol';
import { WebSocketServer } from 'ws';
import { nodeHeader } from '../../net/agent-node.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { FanOut } from './fan-out.ts';
import { Patrol, pingMs } from './patrol.ts';
import { Sessions } from './sessions.ts';
import { Stream } from './stream.ts';
import { Feeds } from './watches.ts';

/** How long clients have to hang up when the server closes. */
const closeGraceMs = 1_000;

export function stream(context: Context): Frontend {
  const { limits, metrics, registry } = context;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Frames are small, go to many, and must be the same bytes for all.
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
  });
  const feeds = new Feeds(registry, new FanOut());
  const sessions = new Sessions();
  const patrol = new Patrol<Stream>(context.wheel, context.clock);
  const open = new Set<Stream>();
  let closing = false;
  let onEmpty: () => void = () => {};
  metrics.observe('rollcall_stream_views', 'Views that native streams watch', () => feeds.size);

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const opened: Stream = new Stream({
        context,
        feeds,
        sessions,
        socket,
        webSocket,
        namedNode: header(request, nodeHeader),
        pingMs,
        onClosed: () => {
          patrol.remove(opened);
          open.delete(opened);
          metrics.streams.set(open.size);
          if (open.size === 0) onEmpty();
        },
      });
      open.add(opened);
      patrol.add(opened);
      metrics.streams.set(open.size);
      metrics.request('stream', 101);
    });
  }

  return {
    name: 'stream',
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
      else if (foreign !== undefined) refuse(socket, '403 Forbidden', foreign);
      else accept(request, socket, head);
    },

    async close(): Promise<void> {
      closing = true;
      patrol.close();
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

  function refuse(socket: Duplex, status: string, reason: string): void {
    metrics.request('stream', Number.parseInt(status, 10));
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`;
    socket.end(`${head}Content-Length: ${Buffer.byteLength(reason)}\r\n\r\n${reason}`);
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
