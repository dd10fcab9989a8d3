import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { faultProxy, type FaultProxy } from './proxy.ts';

let proxy: FaultProxy;
const served: Socket[] = [];
const opened: Socket[] = [];
const server = createServer((socket) => {
  served.push(socket);
  socket.on('error', () => {});
  socket.on('data', (data) => socket.write(`<${data.toString()}>`));
});

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  proxy = await faultProxy(() => ({ host: '127.0.0.1', port }));
});

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  for (const socket of served.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

interface Client {
  readonly socket: Socket;
  readonly pieces: string[];
  /** Resolves with all bytes that came, when the socket ends in this way. */
  readonly until: (end: string) => Promise<string>;
}

async function client(): Promise<Client> {
  const socket = connect({ host: proxy.host, port: proxy.port });
  opened.push(socket);
  socket.on('error', () => {});
  const pieces: string[] = [];
  socket.on('data', (data) => pieces.push(data.toString()));
  await once(socket, 'connect');
  return {
    socket,
    pieces,
    async until(end) {
      while (!pieces.join('').endsWith(end)) await once(socket, 'data');
      return pieces.join('');
    },
  };
}

/** With or without an error. */
const closed = (socket: Socket | undefined): Promise<void> => new Promise((resolve) => socket?.on('close', () => resolve()));

/** A round through the event loop of both ends, several times. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
}

test('a healthy link carries bytes both ways', async () => {
  const { socket, until } = await client();
  socket.write('a');
  expect(await until('>')).toBe('<a>');
  expect(proxy.accepted).toBe(1);
});

test('a link that is blocked in one direction delivers the bytes after it is healed', async () => {
  const { socket, pieces, until } = await client();
  socket.write('a');
  await until('<a>');
  proxy.set({ down: { blocked: true } });
  socket.write('b');
  await turns();
  expect(pieces.join('')).toBe('<a>');
  proxy.set({ up: { blocked: true } });
  expect(await until('<b>')).toBe('<a><b>');
  socket.write('c');
  await turns();
  proxy.heal();
  expect(await until('<c>')).toBe('<a><b><c>');
});

test('a cut resets open connections; a refusing link resets new ones', async () => {
  const { socket } = await client();
  const gone = closed(socket);
  proxy.cut();
  await gone;
  expect(proxy.open).toBe(0);
  proxy.set({ refused: true });
  const refused = connect({ host: proxy.host, port: proxy.port });
  refused.on('error', () => {});
  await closed(refused);
  proxy.heal();
  expect((await client()).socket.destroyed).toBe(false);
});

test('a half-open link ends at the target only', async () => {
  const { socket, until } = await client();
  socket.write('a');
  await until('<a>');
  const gone = closed(served[0]);
  proxy.halfOpen();
  await gone;
  socket.write('b');
  await turns();
  expect(socket.destroyed).toBe(false);
  // A new connection works.
  const next = await client();
  next.socket.write('c');
  expect(await next.until('>')).toBe('<c>');
});

test('a link that is cut on the near side stays open at the target until it is cut there, too', async () => {
  const { socket, until } = await client();
  socket.write('a');
  await until('<a>');
  const gone = closed(socket);
  const cutFar = proxy.cutNear();
  await gone;
  await turns();
  expect(served[0]?.destroyed).toBe(false);
  const goneFar = closed(served[0]);
  cutFar();
  await goneFar;
});

test('a delayed link delivers in order, and late', async () => {
  proxy.set({ up: { delayMs: 40 } });
  const { socket, until } = await client();
  const began = performance.now();
  socket.write('a');
  await until('<a>');
  socket.write('b');
  expect(await until('<b>')).toBe('<a><b>');
  expect(performance.now() - began).toBeGreaterThan(75);
});

test('a sliced link delivers single bytes', async () => {
  proxy.set({ down: { sliceBytes: 1 } });
  const { socket, pieces, until } = await client();
  socket.write('abc');
  await until('<abc>');
  expect(pieces.length).toBeGreaterThan(1);
});

test('a slow link delivers no faster than its rate', async () => {
  proxy.set({ down: { bytesPerSecond: 100, sliceBytes: 2 } });
  const { socket, until } = await client();
  const began = performance.now();
  socket.write('abcdefgh');
  await until('>');
  // 10 bytes; the test does not wait for the last slice.
  expect(performance.now() - began).toBeGreaterThan(70);
});

test('a connection that the client ends is ended at the target, too', async () => {
  const { socket, until } = await client();
  socket.write('a');
  await until('>');
  const gone = Promise.all([closed(served[0]), closed(socket)]);
  socket.end();
  await gone;
  expect(proxy.open).toBe(0);
});
