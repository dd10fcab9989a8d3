/** The client's connection with a server that breaks the protocol, or ends. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../clock.ts';
import { encodeConnectResponse, encodeExpired } from '../../jute/handshake.ts';
import { encodeNotification, encodeReply } from '../../jute/replies.ts';
import { openConnection, type WatchNotification } from './connection.ts';

const servers: { close(): void }[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** @param answers given to the packets of the client, in order */
async function serverWith(...answers: ((socket: Socket) => void)[]): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => answers.shift()?.(socket));
  }).listen(0, '127.0.0.1');
  servers.push({
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const granted = (socket: Socket) => socket.write(encodeConnectResponse({ protocolVersion: 0, timeOut: 6_000, sessionId: 7n, passwd: Buffer.alloc(16, 1), readOnly: false }));
const notified: WatchNotification[] = [];
const open = (port: number) => openConnection({ host: '127.0.0.1', port, timeoutMs: 6_000, clock: systemClock, onNotification: (each) => notified.push(each) });

describe('a connection', () => {
  it('has the session that the server grants, and gives answers and notifications in order', async () => {
    const port = await serverWith(granted, (socket) => socket.write(Buffer.concat([encodeNotification(5, 3, '/a'), encodeReply(1, 5, 'sync', { path: '/a' })])));
    const connection = await open(port);
    expect([connection.sessionId, connection.timeoutMs]).toEqual([7n, 6_000]);
    expect(await connection.request('sync', { path: '/a' })).toEqual({ err: 0, zxid: 5, body: { path: '/a' } });
    expect([notified, connection.lastZxid]).toEqual([[{ type: 3, path: '/a', zxid: 5 }], 5]);
    connection.destroy();
  });

  it('rejects its requests when the server answers another one than the next', async () => {
    const connection = await open(await serverWith(granted, (socket) => socket.write(encodeReply(9, 1, 'sync', { path: '/a' }))));
    await expect(connection.request('sync', { path: '/a' })).rejects.toMatchObject({ code: 'unknown_outcome' });
    expect((await connection.ended).message).toContain('the server answered request 9, and 1 was the next one');
    await expect(connection.request('sync', { path: '/a' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('rejects them when the server ends', async () => {
    const connection = await open(await serverWith(granted, (socket) => socket.destroy()));
    await expect(connection.request('sync', { path: '/a' })).rejects.toMatchObject({ code: 'unknown_outcome' });
  });

  it.each([
    { what: 'there is no server', answers: undefined, code: 'unavailable' },
    { what: 'the server ends it without an answer', answers: [(socket: Socket) => socket.destroy()], code: 'unavailable' },
    { what: 'the session is gone', answers: [(socket: Socket) => socket.write(encodeExpired(true))], code: 'failed_precondition' },
  ])('is not opened when $what', async ({ answers, code }) => {
    const port = await serverWith(...(answers ?? []));
    if (answers === undefined) servers.pop()?.close();
    await expect(open(port)).rejects.toMatchObject({ code });
  });
});
