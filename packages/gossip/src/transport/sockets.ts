/** The transport of the product: UDP for datagrams and TCP for streams, on the same port. */

import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, createServer, isIPv4, isIPv6, type Server, type Socket } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Address } from '../messages.ts';
import { FramedStream } from './framed-stream.ts';
import type { Receivers, Stream, Transport } from './transport.ts';

export interface SocketsOptions {
  /** IP address to listen on. */
  readonly host: string;
  /** Ports to try in this order; 0 is any. */
  readonly ports: readonly number[];
  readonly receivers: Receivers;
}

/** Streams that others may have open to this member; more wait in the kernel. */
const streamsMax = 64;

/** Turns of the event loop for datagrams that were sent just before the end. */
const flushTurnsMax = 100;

/** Attempts to find a port that is free for TCP and UDP. */
const attemptsMax = 20;

/** @throws RegistryError `failed_precondition` when no port is free, or the address is not one of this machine */
export async function openSockets({ host, ports, receivers }: SocketsOptions): Promise<Transport> {
  let failure = '';
  for (const wanted of ports) {
    for (let attempt = 0; attempt < (wanted === 0 ? attemptsMax : 1); attempt++) {
      const server = createServer({ noDelay: true });
      server.maxConnections = streamsMax;
      const datagrams = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      try {
        const port = await listen(server, host, wanted);
        await bind(datagrams, host, port);
        return new Sockets(server, datagrams, { host, port }, receivers);
      } catch (error) {
        failure = (error as Error).message;
        server.close();
        datagrams.close();
      }
    }
  }
  throw new RegistryError('failed_precondition', `cannot listen on ${host} with TCP and UDP on port ${ports.join(' or ')}: ${failure}`);
}

class Sockets implements Transport {
  readonly bound: Address;
  readonly #server: Server;
  readonly #datagrams: DatagramSocket;
  readonly #open = new Set<Socket>();
  /** Datagrams that Node has not given to the kernel yet; closing the socket would drop them. */
  #sending = 0;
  #isClosed = false;

  constructor(server: Server, datagrams: DatagramSocket, bound: Address, receivers: Receivers) {
    this.bound = bound;
    this.#server = server;
    this.#datagrams = datagrams;
    datagrams.on('message', (bytes, { address: from, port }) => receivers.datagram({ host: plainHost(from), port }, bytes));
    // An ICMP answer of a dead member; probes find out.
    datagrams.on('error', () => {});
    server.on('error', () => {});
    server.on('connection', (socket) => {
      this.#keep(socket);
      receivers.stream(new FramedStream(socket), plainHost(socket.remoteAddress ?? ''));
    });
  }

  send({ host, port }: Address, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const mapped = isIPv6(this.bound.host) && isIPv4(host) ? `::ffff:${host}` : host;
    this.#sending++;
    this.#datagrams.send(bytes, port, mapped, () => this.#sending--);
  }

  connect({ host, port }: Address, timeoutMs: number): Promise<Stream> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new Error('the transport is closed');
      const socket = connect({ host, port });
      this.#keep(socket);
      const late = () => socket.destroy(new Error(`no connection to ${host}:${port} within ${timeoutMs} ms`));
      socket.setTimeout(timeoutMs, late);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.off('timeout', late);
        resolve(new FramedStream(socket));
      });
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (let turn = 0; turn < flushTurnsMax && this.#sending > 0; turn++) await new Promise((next) => setImmediate(next));
    for (const socket of this.#open) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => void this.#server.close(() => resolve())),
      new Promise<void>((resolve) => void this.#datagrams.close(resolve)),
    ]);
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#open.delete(socket));
  }
}

/** IPv4 as such, also on a socket of both families. */
function plainHost(host: string): string {
  return host.startsWith('::ffff:') && isIPv4(host.slice(7)) ? host.slice(7) : host;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

function bind(socket: DatagramSocket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
