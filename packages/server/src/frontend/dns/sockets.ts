/** Opens the two sockets of a DNS server, UDP and TCP on one port. The caller handles packets and connections. */

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { lookup } from 'node:dns';
import { createServer, isIP, type AddressInfo, type Server, type Socket as TcpSocket } from 'node:net';
import { cannotListen } from '../../net/cannot-listen.ts';

export interface SocketsOptions {
  readonly host: string;
  /** 0 takes a port that is free for UDP and TCP. */
  readonly port: number;
  readonly onPacket: (packet: Buffer, from: RemoteInfo) => void;
  readonly onConnection: (socket: TcpSocket) => void;
}

export interface Sockets {
  readonly port: number;
  readonly udp: UdpSocket;
  readonly tcp: Server;
}

/** The kernel holds bursts of packets; it may allow less than this. */
const receiveBufferBytes = 4_194_304;

/** Ports tried until one is free for both. */
const portsTried = 16;

/** @throws CannotListen */
export async function openSockets(options: SocketsOptions): Promise<Sockets> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await openTcp(options);
    const { port } = tcp.address() as AddressInfo;
    try {
      return { port, tcp, udp: await openUdp({ ...options, port }) };
    } catch (error) {
      await closeTcp(tcp);
      if (options.port !== 0 || attempt >= portsTried) throw error;
    }
  }
}

/** Resolves when its connections are closed as well. */
export function closeTcp(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function openTcp({ host, port, onConnection }: SocketsOptions): Promise<Server> {
  const server = createServer(onConnection);
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen('cannot serve DNS', { host, port }, cause)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve(server);
    });
  });
}

function openUdp({ host, port, onPacket }: SocketsOptions): Promise<UdpSocket> {
  let bound = false;
  const socket = createSocket({
    type: isIP(host) === 6 ? 'udp6' : 'udp4',
    recvBufferSize: receiveBufferBytes,
    // After it is bound, packets are sent to addresses only: a lookup of each would cost more than a short answer.
    lookup: (name, family, callback) => {
      if (bound) callback(null, name, family as number);
      else lookup(name, family, callback);
    },
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close();
      reject(cannotListen('cannot serve DNS', { host, port }, cause));
    });
    socket.bind(port, host, () => {
      bound = true;
      socket.removeAllListeners('error');
      socket.on('message', onPacket);
      resolve(socket);
    });
  });
}
