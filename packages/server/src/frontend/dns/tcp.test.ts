/** Connections over TCP: framing, and the limits for clients that behave badly. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Wheel } from '../../health/wheel.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { framed } from './ask.case.ts';
import { TcpConnections, connectionsMax, type Answer } from './tcp.ts';

let clock: ReturnType<typeof manualClock>;
let connections: TcpConnections;
let server: Server;
let answer: Answer;
/** The server's ends, in the order in which they were accepted. */
let accepted: Socket[];
let dialled: Socket[];
let taken: string[];

beforeEach(async () => {
  clock = manualClock();
  const wheel = new Wheel({
    clock,
    onError: (error) => {
      throw error;
    },
  });
  taken = [];
  accepted = [];
  dialled = [];
  answer = (query) => framed(query);
  connections = new TcpConnections(wheel, (query, address) => {
    taken.push(query.toString());
    return answer(query, address);
  });
  server = createServer((socket) => {
    accepted.push(socket);
    connections.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of dialled) socket.destroy();
  connections.destroy();
  const closed = once(server, 'close');
  server.close();
  await closed;
});

async function dial(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  dialled.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const message = (text: string) => framed(Buffer.from(text));

/** All bytes that arrive, until there are `length`. */
async function receive(socket: Socket, length: number): Promise<Buffer> {
  let received = Buffer.alloc(0);
  while (received.length < length) {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  return received;
}

describe('queries on a connection', () => {
  it('are answered in order, from one packet or byte by byte', async () => {
    const socket = await dial();
    const queries = Buffer.concat(['one', 'two', 'three'].map(message));
    socket.write(queries);
    expect(await receive(socket, queries.length)).toEqual(queries);
    socket.setNoDelay(true);
    for (const byte of queries) socket.write(Buffer.of(byte));
    expect(await receive(socket, queries.length)).toEqual(queries);
    expect(taken).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
  });

  it('do not delay others while they have no answer', async () => {
    let later: (answer: Buffer) => void = () => {};
    answer = (query) => {
      if (query.toString() === 'silent') return undefined;
      if (query.toString() === 'slow') return new Promise((resolve) => (later = resolve));
      return framed(query);
    };
    const socket = await dial();
    socket.write(Buffer.concat(['silent', 'slow', 'fast'].map(message)));
    expect(await receive(socket, 6)).toEqual(message('fast'));
    later(message('at last'));
    expect(await receive(socket, 9)).toEqual(message('at last'));
  });

  it('wait while too many wait for recursors', async () => {
    const waiting: ((answer: Buffer | undefined) => void)[] = [];
    answer = () => new Promise((resolve) => waiting.push(resolve));
    const socket = await dial();
    socket.write(Buffer.concat(Array.from({ length: 40 }, (_, n) => message(`q${n}`))));
    await vi.waitFor(() => expect(taken).toHaveLength(32), { timeout: 20_000 });
    expect(accepted[0]?.isPaused()).toBe(true);
    waiting.shift()?.(undefined);
    await vi.waitFor(() => expect(taken).toHaveLength(33), { timeout: 20_000 });
    answer = (query) => framed(query);
    for (const resolve of waiting.splice(0)) resolve(undefined);
    await vi.waitFor(() => expect(taken).toHaveLength(40), { timeout: 20_000 });
    expect(accepted[0]?.isPaused()).toBe(false);
  });

  it('end the connection when they are refused', async () => {
    answer = () => 'cut';
    const socket = await dial();
    socket.write(message('one'));
    await once(socket, 'close');
    await vi.waitFor(() => expect(connections.size).toBe(0), { timeout: 20_000 });
  });
});

describe('a client that reads no answers', () => {
  it('gets no further answers: the rest of its queries waits', async () => {
    const large = framed(Buffer.alloc(60_000));
    answer = () => large;
    const socket = await dial();
    socket.pause();
    const queries = 1_000;
    socket.write(Buffer.concat(Array.from({ length: queries }, () => message('q'))));
    await vi.waitFor(() => expect(accepted[0]?.isPaused()).toBe(true), { timeout: 20_000 });
    const { writableLength } = accepted[0] as Socket;
    expect(taken.length).toBeLessThan(queries);
    expect(writableLength).toBeLessThan(262_144 + 2 * large.length);
    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.resume();
    await vi.waitFor(() => expect(received).toBe(queries * large.length), { timeout: 20_000 });
    expect(taken).toHaveLength(queries);
  });

  it('is disconnected after a while', async () => {
    answer = () => framed(Buffer.alloc(60_000));
    const socket = await dial();
    socket.pause();
    socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => message('q'))));
    await vi.waitFor(() => expect(accepted[0]?.isPaused()).toBe(true), { timeout: 20_000 });
    clock.advance(10_000);
    await vi.waitFor(() => expect(connections.size).toBe(0), { timeout: 20_000 });
  });
});

describe('a connection', () => {
  it('is closed when no whole query comes for 10 s; single bytes do not keep it open', async () => {
    const socket = await dial();
    socket.write(message('one'));
    await receive(socket, 5);
    clock.advance(9_000);
    socket.write(message('two'));
    await receive(socket, 5);
    clock.advance(9_000);
    expect(connections.size).toBe(1);
    const dribbled = once(accepted[0] as Socket, 'data');
    socket.write(Buffer.of(0));
    await dribbled;
    clock.advance(1_010);
    await once(socket, 'close');
    await vi.waitFor(() => expect(connections.size).toBe(0), { timeout: 20_000 });
  });

  it('is closed when it announces a query that is too long', async () => {
    const socket = await dial();
    socket.write(Buffer.concat([message('one'), Buffer.from('1001', 'hex'), message('two')]));
    await once(socket, 'close');
    expect(taken).toEqual(['one']);
    const other = await dial();
    const longest = framed(Buffer.alloc(4_096, 'x'));
    other.write(longest);
    expect(await receive(other, longest.length)).toEqual(longest);
  });

  it('that is idle longest is closed for a new one', async () => {
    const first = await dial();
    const second = await dial();
    for (let n = 2; n < connectionsMax; n++) await dial();
    await vi.waitFor(() => expect(connections.size).toBe(connectionsMax), { timeout: 20_000 });
    first.write(message('busy'));
    await receive(first, 6);
    const closed = once(second, 'close');
    const late = await dial();
    await closed;
    for (const socket of [first, late]) {
      socket.write(message('still here'));
      expect(await receive(socket, 12)).toEqual(message('still here'));
    }
    expect(connections.size).toBe(connectionsMax);
  });

  it('survives a client that resets it', async () => {
    const socket = await dial();
    socket.write(message('one'));
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(connections.size).toBe(0), { timeout: 20_000 });
    const other = await dial();
    other.write(message('two'));
    expect(await receive(other, 5)).toEqual(message('two'));
  });
});

describe('closing', () => {
  it('sends what is ready first', async () => {
    const socket = await dial();
    socket.write(message('one'));
    await vi.waitFor(() => expect(taken).toHaveLength(1), { timeout: 20_000 });
    connections.close();
    expect(await receive(socket, 5)).toEqual(message('one'));
    await once(socket, 'close');
    await vi.waitFor(() => expect(connections.size).toBe(0), { timeout: 20_000 });
  });
});
