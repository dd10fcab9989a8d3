/** A client that leaves a server which lives tells it so: the end of the stream must not be taken for the death of this process. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { streamLeftCode, type WelcomeFrame } from '@rollcall/protocol';
import { createServer } from '@rollcall/server';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { connect, type Rollcall } from './index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A server that says welcome, and nothing after it. @returns the code with which its client closes the stream */
async function silentAfter(more: Partial<WelcomeFrame>): Promise<{ url: string; closed: Promise<number> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, autoPong: false });
  closing.push(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closed = new Promise<number>((resolve) => {
    server.on('connection', (socket) => {
      socket.once('message', (data: Buffer) => {
        const { id } = JSON.parse(data.toString()) as { id: number };
        const welcome: WelcomeFrame = {
          ...{ type: 'welcome', id, protocol: 1, registry: 'r', server: { name: 'silent', version: '0' }, node: 'n' },
          ...{ resumed: false, graceMs: 10_000, pingMs: 1_000, namespace: 'default', ...more },
        };
        socket.send(JSON.stringify(welcome));
      });
      socket.once('close', resolve);
    });
  });
  return { url: `http://127.0.0.1:${port}`, closed };
}

it.each([
  ['is silent', {}],
  ['does not follow its store', { staleMs: 500 }],
])('a server that %s is told that the client lives and goes elsewhere', async (_, more) => {
  const silent = await silentAfter(more);
  const other = await createServer({ nodeName: 'other' });
  closing.push(() => other.close());
  let found = (_url: string) => {};
  const moved = new Promise<string>((resolve) => (found = resolve));
  // In the order in which they are given.
  const rollcall: Rollcall = await connect(
    { servers: [silent.url, other.url], onEvent: (event) => event.kind === 'connected' && event.server !== silent.url && found(event.server) },
    { random: () => 0.999 },
  );
  closing.push(() => rollcall.close());
  expect(await silent.closed).toBe(streamLeftCode);
  expect(await moved).toBe(other.url);
});
