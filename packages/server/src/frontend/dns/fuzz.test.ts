/**
 * Thousands of broken packets over real sockets: the server stays up, answers good queries in between, and each of its answers
 * can be read and is short.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askTcp, decoded, framed, queryPacket } from './ask.case.ts';
import { startDns } from './dns.case.ts';

let server: Awaited<ReturnType<typeof startDns>>;

beforeAll(async () => {
  server = await startDns();
  for (let n = 1; n <= 30; n++) await server.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}`, tags: ['a'] });
});
afterAll(() => server.close());

const queries = [
  queryPacket('web.service.consul', 'SRV', { edns: 4_096 }),
  queryPacket('a.web.service.dc1.consul', 'A'),
  queryPacket('_web._tcp.service.consul', 'ANY', { edns: 1_232 }),
  queryPacket('n1.node.consul', 'TXT', { edns: 512 }),
  queryPacket('1.0.0.10.in-addr.arpa', 'PTR'),
  queryPacket('0a000001.addr.consul', 'AAAA'),
  queryPacket('consul', 'NS', { edns: 0 }),
];

type Mutation = (packet: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const at = (packet: Buffer, share: number) => Math.floor(packet.length * share);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([share, bits]) => (packet: Buffer) => {
    const changed = Buffer.from(packet);
    const index = at(packet, share);
    changed[index] = (changed[index] ?? 0) ^ bits;
    return changed;
  }),
  place.map((share) => (packet: Buffer) => packet.subarray(0, at(packet, share))),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 80 })).map(([share, bytes]) => (packet: Buffer) => {
    const index = at(packet, share);
    return Buffer.concat([packet.subarray(0, index), bytes, packet.subarray(index)]);
  }),
  fc.tuple(place, place).map(([from, to]) => (packet: Buffer) => {
    const [start, end] = [at(packet, Math.min(from, to)), at(packet, Math.max(from, to))];
    return Buffer.concat([packet.subarray(0, end), packet.subarray(start)]);
  }),
  fc.record({ word: fc.integer({ min: 2, max: 5 }), count: fc.constantFrom(0, 1, 2, 255, 65_535) }).map(
    ({ word, count }) =>
      (packet: Buffer) => {
        const changed = Buffer.from(packet);
        if (changed.length >= 12) changed.writeUInt16BE(count, word * 2);
        return changed;
      },
  ),
  fc.tuple(place, fc.integer({ min: 0xc000, max: 0xffff })).map(([share, pointer]) => (packet: Buffer) => {
    const changed = Buffer.from(packet);
    if (changed.length > 14) changed.writeUInt16BE(pointer, 12 + Math.floor((changed.length - 14) * share));
    return changed;
  }),
);

/** Batches of broken packets, some of them broken several times over, and some pure noise. */
const batch = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.tuple(fc.constantFrom(...queries), fc.array(mutation, { minLength: 1, maxLength: 4 })) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => [Buffer.from(bytes), []] as const) },
  ),
  { minLength: 25, maxLength: 25 },
);
const broken = ([query, mutations]: readonly [Buffer, readonly Mutation[]]) =>
  mutations.reduce((packet, mutate) => mutate(packet), query);

async function answersRight(): Promise<void> {
  const reply = await ask(server.port, 'web.service.consul', 'SRV', { edns: 1_232 });
  expect(reply).toMatchObject({ rcode: 'NOERROR', flag_qr: true });
  expect(reply.answers.length).toBeGreaterThan(15);
}

/** Another implementation can read the answer, and it does not report a fault of the server. */
function isReadable(answer: Buffer, bytesMax: number): void {
  expect(answer.length).toBeLessThanOrEqual(bytesMax);
  const { flag_qr: isAnswer, rcode } = decoded(answer);
  expect(isAnswer).toBe(true);
  expect(rcode).not.toBe('SERVFAIL');
}

describe('broken packets', () => {
  it('over UDP, 4,000 of them', async () => {
    const socket = createSocket('udp4');
    const answers: Buffer[] = [];
    socket.on('message', (answer) => answers.push(answer));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    await fc.assert(
      fc.asyncProperty(batch, async (packets) => {
        for (const packet of packets) socket.send(broken(packet), server.port, '127.0.0.1');
        await answersRight();
        for (const answer of answers.splice(0)) isReadable(answer, 1_232);
      }),
      { numRuns: 160 },
    );
    socket.close();
  });

  it('over TCP, 4,000 of them: a new connection works after each broken frame', async () => {
    const good = queryPacket('web.service.consul', 'SRV', { id: 0x5afe });
    await fc.assert(
      fc.asyncProperty(batch, fc.boolean(), async (packets, wrongLengths) => {
        const stream = packets.map((packet) => (wrongLengths ? broken(packet) : framed(broken(packet))));
        const answers = await converse(Buffer.concat([...stream, framed(good)]));
        for (const answer of answers) isReadable(answer, 65_535);
        // With their lengths right, broken messages do no harm to the good one behind them.
        if (!wrongLengths) expect(answers.at(-1)?.readUInt16BE(0)).toBe(0x5afe);
        expect(decoded((await askTcp(server.port, [good]))[0] as Buffer).answers).toHaveLength(30);
      }),
      { numRuns: 160 },
    );
  });
});

/** Writes, then reads until the server closes or has answered what it could. */
async function converse(bytes: Buffer): Promise<Buffer[]> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
  socket.end(bytes);
  await once(socket, 'close');
  const answers: Buffer[] = [];
  while (received.length >= 2) {
    const end = 2 + received.readUInt16BE(0);
    answers.push(received.subarray(2, end));
    received = received.subarray(end);
  }
  return answers;
}
