/**
 * Passes packets between clients of ZooKeeper and a server, and plants a bug in them, as if the server had it: it drops or changes packets.
 * It knows whole packets only; faults of links are the proxy's.
 */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { PacketReader } from '../../../packages/server/src/jute/packets.ts';

export interface PacketBug {
  /** @returns the packet of a client that the server gets instead */
  readonly toServer?: (packet: Buffer) => Buffer;
  /** @returns an answer to the packet of a client, which the server does not get then */
  readonly answer?: (packet: Buffer) => Buffer | undefined;
  /** @returns whether the client gets the packet of the server */
  readonly toClient?: (packet: Buffer) => boolean;
}

export interface PacketRelay {
  readonly port: number;
  close(): void;
}

/** @param port of the server, read for each connection */
export async function packetRelay(port: () => number, { toServer = (packet) => packet, answer = () => undefined, toClient = () => true }: PacketBug): Promise<PacketRelay> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: port(), noDelay: true });
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroySoon();
      });
    }
    read(near, (packet) => {
      const answered = answer(packet);
      if (answered === undefined) write(far, toServer(packet));
      else write(near, answered);
    });
    read(far, (packet) => {
      if (toClient(packet)) write(near, packet);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function read(socket: Socket, each: (packet: Buffer) => void): void {
  const reader = new PacketReader();
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) each(packet);
  });
}

function write(socket: Socket, packet: Buffer): void {
  const length = Buffer.alloc(4);
  length.writeInt32BE(packet.length);
  socket.write(Buffer.concat([length, packet]));
}
