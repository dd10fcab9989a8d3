/** Queries to recursors, against a test server that answers well, badly or not at all. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import packet from 'dns-packet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock, type Clock } from '../../clock.ts';
import { Wheel } from '../../health/wheel.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { ask, askOverTcp, askTcp, decoded, framed, queryPacket } from './ask.case.ts';
import { startDns } from './dns.case.ts';
import { Recursors, parseServer } from './recursors.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

/** Gives packets in answer to a query, in that order. */
type Behaviour = (query: Buffer, udp: boolean) => readonly Buffer[] | Promise<readonly Buffer[]>;

async function upstream(behaviour: Behaviour) {
  const asked: { query: Buffer; udp: boolean; port: number }[] = [];
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const query = chunk.subarray(2);
      asked.push({ query, udp: false, port: socket.remotePort ?? 0 });
      void Promise.resolve(behaviour(query, false)).then((answers) => {
        for (const answer of answers) socket.write(framed(answer));
      });
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (query, from) => {
    asked.push({ query, udp: true, port: from.port });
    void Promise.resolve(behaviour(query, true)).then((answers) => {
      for (const answer of answers) udp.send(answer, from.port, from.address);
    });
  });
  open.push({ close: () => Promise.all([once(tcp.close(), 'close'), once(udp.close(), 'close')]) });
  return { asked, address: `127.0.0.1:${port}`, port };
}

function answerTo(query: Buffer, data: string, rcode = 0): Buffer {
  const { id = 0, questions = [] } = packet.decode(query);
  const name = questions[0]?.name ?? '';
  const answers = rcode === 0 ? [{ type: 'A', name, ttl: 7, data } as const] : [];
  return packet.encode({ type: 'response', id, flags: packet.RECURSION_AVAILABLE | rcode, questions, answers });
}

function recursors(servers: readonly { address: string; port: number }[], clock: Clock = systemClock, uuid = counting()) {
  const wheel = new Wheel({
    clock,
    onError: (error) => {
      throw error;
    },
  });
  const made = new Recursors({ servers, wheel, uuid });
  open.push({ close: () => (made.close(), wheel.close()) });
  return made;
}

function counting(): () => string {
  let number = 0x1000;
  return () => (number++).toString(16).padEnd(36, '0');
}

const at = (port: number) => ({ address: '127.0.0.1', port });
const query = queryPacket('example.org', 'A', { id: 0xabcd });

describe('other domains', () => {
  it('are answered by the recursor, over UDP and TCP, with RA', async () => {
    const { address, asked } = await upstream((each) => [answerTo(each, '192.0.2.7')]);
    const server = await startDns({ recursors: [address] });
    open.push(server);
    await server.register({ id: 'n1' });
    const expected = { id: 4_711, rcode: 'NOERROR', answers: [{ name: 'eXample.org', ttl: 7, data: '192.0.2.7' }] };
    expect(await ask(server.port, 'eXample.org', 'A')).toMatchObject(expected);
    expect(await askOverTcp(server.port, 'eXample.org', 'A')).toMatchObject(expected);
    expect(asked.map(({ udp }) => udp)).toEqual([true, false]);
    const own = await ask(server.port, 'web.service.consul', 'A');
    expect(own).toMatchObject({ flag_ra: true, flag_aa: true, answers: [{ data: '10.0.0.1' }] });
    expect(await ask(server.port, '1.0.0.10.in-addr.arpa', 'PTR')).toMatchObject({ answers: [{ type: 'PTR' }] });
    expect(asked).toHaveLength(2);
    await ask(server.port, '8.8.8.8.in-addr.arpa', 'PTR');
    expect(asked).toHaveLength(3);
  });

  it('do not delay answers of our own domain on the same connection', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const { address, asked } = await upstream((each) => released.then(() => [answerTo(each, '192.0.2.7')]));
    const server = await startDns({ recursors: [address] });
    open.push(server);
    const queries = [queryPacket('example.org', 'A', { id: 1 }), queryPacket('consul', 'SOA', { id: 2 })];
    const both = askTcp(server.port, queries);
    await vi.waitFor(() => expect(asked).toHaveLength(1), { timeout: 20_000 });
    release();
    expect((await both).map((each) => decoded(each).id)).toEqual([2, 1]);
  });

  it('fail when no server answers, so that the client may ask another one', async () => {
    const { address } = await upstream((each) => [answerTo(each, '', 2)]);
    const server = await startDns({ recursors: [address] });
    open.push(server);
    expect(await ask(server.port, 'example.org', 'A')).toMatchObject({
      id: 4_711,
      rcode: 'SERVFAIL',
      flag_ra: true,
      questions: [{ name: 'example.org' }],
    });
    expect(await askOverTcp(server.port, 'example.org', 'A')).toMatchObject({ id: 4_711, rcode: 'SERVFAIL' });
  });
});

describe('asking', () => {
  it('uses a new id and a new port each time, and gives the client its id back', async () => {
    const { port, asked } = await upstream((each) => [answerTo(each, '192.0.2.7')]);
    const to = recursors([at(port)]);
    for (let n = 0; n < 20; n++) {
      const answer = decoded((await to.ask(query, true)) as Buffer);
      expect(answer).toMatchObject({ id: 0xabcd, answers: [{ data: '192.0.2.7' }] });
    }
    expect(new Set(asked.map((each) => each.query.readUInt16BE(0))).size).toBe(20);
    expect(new Set(asked.map((each) => each.port)).size).toBeGreaterThan(10);
    expect(asked[0]?.query.subarray(2)).toEqual(query.subarray(2));
  });

  it('ignores answers to another question, with another id or spelling, and packets that are not answers', async () => {
    const { port } = await upstream((each) => {
      const wrong = answerTo(each, '203.0.113.66');
      const otherId = Buffer.from(wrong);
      otherId.writeUInt16BE((each.readUInt16BE(0) + 1) & 0xffff);
      const otherQuestion = answerTo(queryPacket('other.org', 'A', { id: each.readUInt16BE(0) }), '203.0.113.66');
      const otherSpelling = answerTo(queryPacket('EXAMPLE.org', 'A', { id: each.readUInt16BE(0) }), '203.0.113.66');
      return [otherId, otherQuestion, otherSpelling, each, Buffer.from('short'), answerTo(each, '192.0.2.7')];
    });
    const answer = await recursors([at(port)]).ask(query, true);
    expect(decoded(answer as Buffer)).toMatchObject({ answers: [{ data: '192.0.2.7' }] });
  });

  it('ignores answers from another address than that of the server', async () => {
    const stranger = createSocket('udp4').bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    open.push(stranger);
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    open.push(udp);
    udp.on('message', (each, { port, address }) => {
      stranger.send(answerTo(each, '203.0.113.66'), port, address, () => {
        udp.send(answerTo(each, '192.0.2.7'), port, address);
      });
    });
    const answer = await recursors([at(udp.address().port)]).ask(query, true);
    expect(decoded(answer as Buffer)).toMatchObject({ answers: [{ data: '192.0.2.7' }] });
  });

  it('asks the next server after a failure or refusal, but not after NXDOMAIN', async () => {
    const failing = await upstream((each) => [answerTo(each, '', 2)]);
    const refusing = await upstream((each) => [answerTo(each, '', 5)]);
    const denying = await upstream((each) => [answerTo(each, '', 3)]);
    const never = await upstream((each) => [answerTo(each, '192.0.2.7')]);
    for (const udp of [true, false]) {
      const to = recursors([failing, refusing, denying, never].map(({ port }) => at(port)));
      expect(decoded((await to.ask(query, udp)) as Buffer).rcode).toBe('NXDOMAIN');
    }
    expect([failing, refusing, denying, never].map(({ asked }) => asked.length)).toEqual([2, 2, 2, 0]);
  });

  it('waits 2 s for a server that is silent, then asks the next', async () => {
    const clock = manualClock();
    const silent = await upstream(() => []);
    const good = await upstream((each) => [answerTo(each, '192.0.2.7')]);
    const asking = recursors([at(silent.port), at(good.port)], clock).ask(query, true);
    await vi.waitFor(() => expect(silent.asked).toHaveLength(1), { timeout: 20_000 });
    clock.advance(1_900);
    expect(good.asked).toHaveLength(0);
    clock.advance(110);
    expect(decoded((await asking) as Buffer)).toMatchObject({ answers: [{ data: '192.0.2.7' }] });
  });

  it('fails when no server listens, over UDP and TCP', async () => {
    const taken = await upstream(() => []);
    await open.pop()?.close();
    for (const udp of [true, false]) expect(await recursors([at(taken.port)]).ask(query, udp)).toBeUndefined();
  });

  it('is limited to 256 queries at once', async () => {
    const silent = await upstream(() => []);
    const to = recursors([at(silent.port)]);
    const out = Array.from({ length: 256 }, () => to.ask(query, true));
    expect(await to.ask(query, true)).toBeUndefined();
    to.close();
    expect(await Promise.all(out)).toEqual(Array(256).fill(undefined));
  });
});

describe('the address of a server', () => {
  it.each([
    ['10.0.0.53', '10.0.0.53', 53],
    ['10.0.0.53:5353', '10.0.0.53', 5_353],
    ['2001:db8::53', '2001:db8::53', 53],
    ['[2001:db8::53]', '2001:db8::53', 53],
    ['[2001:db8::53]:5353', '2001:db8::53', 5_353],
  ])('%s', (text, address, port) => {
    expect(parseServer(text)).toEqual({ address, port });
  });

  const wrong = ['', 'example.org', '10.0.0.53:', '10.0.0.53:0', '10.0.0.53:70000', '10.0.0', '[10.0.0.53', ':53'];
  it.each(wrong)('%j is invalid', (text) => {
    expect(() => parseServer(text)).toThrow(/is not an address; write/);
  });
});
