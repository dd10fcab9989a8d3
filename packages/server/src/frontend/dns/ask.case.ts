/** Asks a DNS server over real sockets, in bytes that another implementation wrote and reads, for tests. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import packet, { type Answer, type DecodedPacket, type OptAnswer, type RecordType } from 'dns-packet';

/** The types of dns-packet, and the one that its declarations forget. */
export type QueryType = RecordType | 'ANY';

export interface AskOptions {
  /** Announce this size by EDNS. */
  readonly edns?: number;
  readonly id?: number;
  readonly recurse?: boolean;
}

/** What dns-packet decodes, and its types do not tell. */
export interface Reply extends DecodedPacket {
  readonly rcode: string;
  readonly answers: Answer[];
  readonly authorities: Answer[];
  readonly additionals: Answer[];
  readonly bytes: number;
}

export function queryPacket(name: string, type: QueryType, options: AskOptions = {}): Buffer {
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: options.edns,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as unknown as OptAnswer;
  return packet.encode({
    type: 'query',
    id: options.id ?? 4_711,
    flags: options.recurse === false ? 0 : packet.RECURSION_DESIRED,
    questions: [{ name, type: type as RecordType }],
    additionals: options.edns === undefined ? [] : [opt],
  });
}

export function decoded(bytes: Buffer): Reply {
  return { ...packet.decode(bytes), bytes: bytes.length } as Reply;
}

/** One query over UDP; rejects when no answer comes within 5 s. */
export async function askUdp(port: number, query: Buffer, host = '127.0.0.1'): Promise<Buffer> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
    socket.send(query, port, host);
    return ((await answered) as [Buffer])[0];
  } finally {
    socket.close();
  }
}

/** Queries in one write on one connection; resolves with as many answers, in the order in which they came. */
export async function askTcp(port: number, queries: readonly Buffer[], host = '127.0.0.1'): Promise<Buffer[]> {
  const socket = connect({ host, port });
  try {
    socket.write(Buffer.concat(queries.map(framed)));
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within 5 s')));
    const answers: Buffer[] = [];
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        answers.push(received.subarray(2, end));
        received = received.subarray(end);
      }
      if (answers.length >= queries.length) break;
    }
    if (answers.length < queries.length) throw new Error(`closed after ${answers.length} answers`);
    return answers;
  } finally {
    socket.destroy();
  }
}

export function framed(query: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  return Buffer.concat([length, query]);
}

export async function ask(port: number, name: string, type: QueryType, options: AskOptions = {}): Promise<Reply> {
  return decoded(await askUdp(port, queryPacket(name, type, options)));
}

export async function askOverTcp(port: number, name: string, type: QueryType): Promise<Reply> {
  const [answer] = await askTcp(port, [queryPacket(name, type)]);
  return decoded(answer as Buffer);
}
