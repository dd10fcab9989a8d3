/** A primary for tests of the engine: the channel over an engine of the test's choice, without a server around it. */

import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { freePort } from '../../../../../conformance/free-ports.mjs';
import { systemClock } from '../../clock.ts';
import { messageBytesMax } from '../../cluster/channel/frame.ts';
import { decodeHello, encodeHello } from '../../cluster/channel/hello.ts';
import { Peer, type Methods } from '../../cluster/channel/peer.ts';
import { limitsOf, logMethods } from '../../cluster/channel/serve-log.ts';
import { presenceMethods } from '../../cluster/channel/serve-presence.ts';
import type { FollowedEngine } from '../followed.ts';
import { openNode, type NodeEngine, type NodeOptions } from './node.ts';

export interface TestPrimary {
  readonly url: string;
  readonly port: number;
  /** Cuts every connection, like a network failure. */
  readonly cut: () => void;
  /** Stops serving; the engine stays open. */
  readonly stop: () => Promise<void>;
}

/** @param more methods that replace the ordinary ones */
export async function testPrimary(engine: FollowedEngine, port?: number, more: Methods = {}): Promise<TestPrimary> {
  const http = createServer();
  const webSockets = new WebSocketServer({ server: http, maxPayload: messageBytesMax });
  const sockets = new Set<Socket>();
  const peers = new Set<Peer>();
  const log = logMethods(engine);
  const presence = presenceMethods(engine.presence, systemClock);
  webSockets.on('connection', (webSocket, request) => {
    const { socket } = request;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const welcome = { nodeId: 'primary', epoch: 0, version: '0.1.0', registryId: 'store', ...limitsOf(engine) };
    const hello = { kind: 'answer', run: async (body: Buffer) => (decodeHello(body), encodeHello(welcome)) } as const;
    const methods: Methods = { ...log, ...presence, ...more, hello };
    const onClosed = () => peers.delete(peer);
    const peer = new Peer({ webSocket, socket, clock: systemClock, first: 'hello', methods: () => methods, onClosed });
    peers.add(peer);
  });
  const own = port ?? (await freePort());
  await new Promise<void>((resolve) => http.listen(own, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${own}`,
    port: own,
    cut,
    async stop() {
      cut();
      await closed(http);
    },
  };
}

export function follower({ url }: TestPrimary, options: Partial<NodeOptions> = {}): Promise<NodeEngine> {
  return openNode({ url, version: '0.1.0', random: () => 0, ...options });
}

function closed(http: Server): Promise<void> {
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeAllConnections();
  });
}
