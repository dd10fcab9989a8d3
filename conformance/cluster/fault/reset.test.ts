/** A connection is reset, whatever its state: the other side hears of it. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { reset } from './reset.ts';

async function connected(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  await once(near, 'connect');
  const [far] = await accepted;
  server.close();
  return { near, far };
}

test.each<[string, (socket: Socket) => unknown]>([
  ['is open', () => undefined],
  ['is being ended', (socket) => socket.end()],
  ['has something to send and is being ended', (socket) => socket.end(Buffer.alloc(50_000_000))],
  ['has ended', (socket) => once(socket.end(), 'finish')],
])('when it %s', async (_, prepare) => {
  const { near, far } = await connected();
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => far.once('error', resolve));
  const closed = once(near.on('error', () => {}), 'close');
  await prepare(near);
  reset(near);
  await closed;
  // A side that has got the end only learns of a reset by reading on or writing.
  far.resume();
  const writing = setInterval(() => far.write('x'), 5);
  expect((await failed).code).toMatch(/^(ECONNRESET|EPIPE)$/);
  clearInterval(writing);
});
