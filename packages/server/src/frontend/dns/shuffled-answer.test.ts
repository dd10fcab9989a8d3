/** Shuffled answers: every order is equally likely, and each answer has the records of one that was not shuffled. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { ask as askSocket, askOverTcp, decoded, queryPacket } from './ask.case.ts';
import { startDns, startRegistry } from './dns.case.ts';
import { randomFrom } from './random.ts';
import { Responder } from './responder.ts';
import { ttlsOf } from './ttls.ts';

let registry: Awaited<ReturnType<typeof startRegistry>>;
const clock = manualClock();

beforeEach(async () => (registry = await startRegistry(clock)));
afterEach(() => registry.close());

function responder(udpRecordsMax = 3): Responder {
  const node = { name: 'here', address: '127.0.0.1' };
  return new Responder({
    registry: registry.replica,
    clock,
    zone: { domain: 'consul', datacenter: 'dc1', node, ttls: ttlsOf({}), onlyPassing: false },
    limits: { udpBytesMax: 1_232, udpRecordsMax },
    tellWhenCut: false,
    recursion: false,
    random: randomFrom('5eed5eed'),
  });
}

type Type = 'A' | 'AAAA' | 'SRV';

/** The part that distinguishes the records of an answer, in their order. */
function recordsOf(to: Responder, type: Type, { tcp = false, edns = false } = {}): string[] {
  const answer = to.respond(queryPacket('web.service.consul', type, edns ? { edns: 1_232 } : {}), !tcp);
  if (typeof answer === 'string') throw new Error(answer);
  return decoded(tcp ? answer.subarray(2) : answer).answers.map((record) => ('data' in record ? JSON.stringify(record.data) : ''));
}

/** Pearson's statistic of how often each of `kinds` was seen, if all are equally likely. */
function chiSquare(seen: readonly string[], kinds: number): number {
  const counts = new Map<string, number>();
  for (const one of seen) counts.set(one, (counts.get(one) ?? 0) + 1);
  const expected = seen.length / kinds;
  const missing = (kinds - counts.size) * expected;
  return [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, missing);
}

/** The value that chance exceeds once in a thousand times (Wilson and Hilferty's approximation). */
function critical(kinds: number): number {
  const freedom = kinds - 1;
  return freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
}

const register = async (count: number) => {
  for (let n = 0; n < count; n++) {
    const address = n % 2 === 0 ? `10.0.0.${n}` : `10.0.1.${n}`;
    await registry.register({ id: `n${n}`, nodeAddress: address });
    await registry.register({ id: `v${n}`, nodeAddress: `fd00::${n.toString(16)}`, service: 'six' });
  }
};

const forms = [
  ['A over UDP', 'A', {}],
  ['SRV over UDP', 'SRV', {}],
  ['A over UDP with EDNS', 'A', { edns: true }],
  ['SRV over UDP with EDNS', 'SRV', { edns: true }],
  ['A over TCP', 'A', { tcp: true }],
  ['SRV over TCP', 'SRV', { tcp: true }],
] as const;

describe.each(forms)('%s', (_name, type, how) => {
  it.each([2, 3, 40])('has each of %i instances first equally often', async (count) => {
    await register(count);
    const to = responder();
    const seen = Array.from({ length: count * 50 }, () => recordsOf(to, type, how)[0] as string);
    expect(chiSquare(seen, count)).toBeLessThan(critical(count));
  });

  it('has each instance first equally often in few queries as well, and not in runs', async () => {
    await register(40);
    const to = responder();
    const seen = Array.from({ length: 128 }, () => recordsOf(to, type, how)[0] as string);
    // Of 128 independent draws of 40, 38.4 different ones are to be expected.
    expect(new Set(seen).size).toBeGreaterThan(33);
    const repeated = seen.filter((first, at) => first === seen[at - 1]).length;
    expect(repeated).toBeLessThan(12);
  });
});

it('every order of a few instances is equally likely', async () => {
  await register(4);
  const to = responder(4);
  const seen = Array.from({ length: 2_400 }, () => recordsOf(to, 'A').join());
  expect(chiSquare(seen, 24)).toBeLessThan(critical(24));
});

it('each instance is equally often in packets that have room for 3', async () => {
  await register(30);
  const to = responder();
  const seen = Array.from({ length: 1_000 }, () => recordsOf(to, 'A')).flat();
  // Draws without putting back vary a little less, so the test is on the safe side.
  expect(chiSquare(seen, 30)).toBeLessThan(critical(30));
});

it('every instance is there exactly once', async () => {
  await register(7);
  const to = responder(7);
  for (let time = 0; time < 50; time++) expect(new Set(recordsOf(to, 'SRV', { tcp: true })).size).toBe(7);
});

it('records are encoded once each, when they are first sent', async () => {
  await register(40);
  const to = responder();
  recordsOf(to, 'A');
  expect(to.encodings).toBe(3);
  for (let time = 0; time < 300; time++) recordsOf(to, 'A');
  expect(to.encodings).toBe(40);
});

it('the additional section has the address of each target once, in long answers, too', async () => {
  // More than pointers reach (16,384 bytes); two instances on each node.
  const service = (id: string, name: string, port: number) => ({ id, service: name, port });
  for (let n = 0; n < 300; n++) {
    const node = { name: `a-node-with-a-name-that-takes-room-${n}`, address: `10.0.${n >> 8}.${n & 255}` };
    const instances = [service('one', 'web', 1), service('two', 'web', 2)];
    await registry.replica.submit({ kind: 'register', namespace: 'default', node, nodeMode: 'update', instances });
  }
  const to = responder();
  for (let time = 0; time < 3; time++) {
    const answer = to.respond(queryPacket('web.service.consul', 'SRV'), false) as Buffer;
    expect(answer.length).toBeGreaterThan(40_000);
    const { answers, additionals } = decoded(answer.subarray(2));
    expect(answers).toHaveLength(600);
    const targets = new Set(answers.map((record) => (record.type === 'SRV' ? record.data.target : '')));
    expect(new Set(additionals.map(({ name }) => name))).toEqual(targets);
    expect(additionals).toHaveLength(300);
    for (const record of additionals) {
      const number = Number(/\d+(?=\.node)/.exec(record.name)?.[0]);
      expect(record).toMatchObject({ type: 'A', data: `10.0.${number >> 8}.${number & 255}` });
    }
  }
});

it('over real sockets two instances get half of the queries each', async () => {
  await using dns = await startDns().then((server) => Object.assign(server, { [Symbol.asyncDispose]: () => server.close() }));
  for (const n of [1, 2]) await dns.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}` });
  for (const over of [askSocket, askOverTcp]) {
    let first = 0;
    for (let time = 0; time < 450; time++) {
      const { answers } = await over(dns.port, 'web.service.consul', 'A');
      const [record] = answers;
      if (record?.type === 'A' && record.data === '10.0.0.1') first++;
    }
    // Six standard deviations: four are exceeded once in 16,000 runs.
    expect(Math.abs(first - 225)).toBeLessThan(64);
  }
});
