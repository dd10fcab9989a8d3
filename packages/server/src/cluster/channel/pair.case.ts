/** Two ends of one channel over a real WebSocket, for tests; each is a `Peer` with methods of the test's choice. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../clock.ts';
import { messageBytesMax } from './frame.ts';
import { Peer, type Methods } from './peer.ts';

export interface Pair {
  readonly asker: Peer;
  readonly server: Peer;
  /** Sends any bytes as one message from the asker's side. */
  readonly sendRaw: (bytes: Uint8Array | string) => void;
  /** Why each end has ended. */
  readonly ended: { readonly asker: Promise<string>; readonly server: Promise<string> };
  /** Cuts the connection as a broken network would. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
}

export async function pair(methods: Methods, options: { readonly first?: string; readonly askerMethods?: Methods } = {}): Promise<Pair> {
  const http = createServer();
  const webSockets = new WebSocketServer({ server: http, maxPayload: messageBytesMax });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<{ webSocket: WebSocket; socket: Socket }>((resolve) => {
    webSockets.on('connection', (webSocket, request) => resolve({ webSocket, socket: request.socket }));
  });
  const webSocket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, { maxPayload: messageBytesMax });
  const socket = new Promise<Socket>((resolve) => webSocket.on('upgrade', (response) => resolve(response.socket)));
  await new Promise((resolve, reject) => {
    webSocket.once('open', resolve);
    webSocket.once('error', reject);
  });
  const asker = end({ webSocket, socket: await socket }, options.askerMethods ?? {});
  const theirs = await accepted;
  const server = end(theirs, methods, options.first);
  return {
    asker: asker.peer,
    server: server.peer,
    sendRaw: (bytes) => webSocket.send(bytes),
    ended: { asker: asker.ended, server: server.ended },
    cut: () => theirs.socket.destroy(),
    async close() {
      asker.peer.close('the test is over');
      webSocket.terminate();
      theirs.webSocket.terminate();
      await closed(http);
    },
  };
}

function end(sockets: { webSocket: WebSocket; socket: Socket }, methods: Methods, first?: string) {
  let tell: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => (tell = resolve));
  const peer = new Peer({ ...sockets, methods: () => methods, clock: systemClock, onClosed: (reason) => tell(reason), ...(first === undefined ? {} : { first }) });
  return { peer, ended };
}

function closed(http: Server): Promise<void> {
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeAllConnections();
  });
}
