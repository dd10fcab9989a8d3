/** Packets in and out without sockets: which answers are kept, how long, and the cost of a storm of wrong names. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { decoded, queryPacket, type AskOptions, type QueryType, type Reply } from './ask.case.ts';
import { startRegistry } from './dns.case.ts';
import { Responder, type ResponderOptions } from './responder.ts';
import { ttlsOf } from './ttls.ts';

let registry: Awaited<ReturnType<typeof startRegistry>>;
const clock = manualClock();

beforeEach(async () => (registry = await startRegistry(clock)));
afterEach(() => registry.close());

function responder(options: Partial<ResponderOptions> = {}): Responder {
  const made = new Responder({
    registry: registry.replica,
    clock,
    zone: {
      domain: 'consul',
      datacenter: 'dc1',
      node: { name: 'here', address: '127.0.0.1' },
      ttls: ttlsOf({}),
      onlyPassing: false,
    },
    limits: { udpBytesMax: 1_232, udpRecordsMax: 3 },
    tellWhenCut: false,
    recursion: false,
    random: () => 0.5,
    ...options,
  });
  // The few rows of a test are gathered before the first turn ends.
  void made.prepare();
  return made;
}

function ask(to: Responder, name: string, type: QueryType = 'A', options: AskOptions & { tcp?: boolean } = {}): Reply {
  const response = to.respond(queryPacket(name, type, options), options.tcp !== true);
  if (typeof response === 'string') throw new Error(response);
  return decoded(options.tcp === true ? response.subarray(2) : response);
}

const addresses = ({ answers }: Reply) => answers.map((each) => (each.type === 'A' ? each.data : each.type)).toSorted();

describe('a question about an address', () => {
  it('is told to wait until the addresses are read; a question about a name is not', async () => {
    await registry.register({ id: 'n1', nodeAddress: '10.0.0.1' });
    const to = responder();
    const reverse = queryPacket('1.0.0.10.in-addr.arpa', 'PTR');
    expect(to.respond(reverse, true)).toBe('needs-addresses');
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1']);
    await to.prepareAddresses();
    expect(ask(to, '1.0.0.10.in-addr.arpa', 'PTR').answers).toMatchObject([{ data: 'n1.node.dc1.consul' }]);
  });
});

describe('an answer', () => {
  it('is encoded once for all clients with the same question, in every spelling', async () => {
    await registry.register({ id: 'n1' });
    const to = responder();
    for (const name of ['web.service.consul', 'WEB.service.consul', 'wEb.SeRvIcE.cOnSuL']) {
      expect(ask(to, name).answers).toMatchObject([{ name, data: '10.0.0.1' }]);
    }
    expect(to.encodings).toBe(1);
  });

  it('changes with its service at once', async () => {
    await registry.register({ id: 'n1', nodeAddress: '10.0.0.1' });
    const to = responder();
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1']);
    await registry.register({ id: 'n2', nodeAddress: '10.0.0.2' });
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1', '10.0.0.2']);
    await registry.register({ id: 'n1', nodeAddress: '10.0.0.1', status: 'critical' });
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.2']);
    await registry.register({ id: 'n2', nodeAddress: '10.0.0.22' });
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.22']);
    await registry.deregister('n2');
    expect(ask(to, 'web.service.consul').rcode).toBe('NXDOMAIN');
    await registry.register({ id: 'n1', nodeAddress: '10.0.0.1' });
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1']);
  });

  it('is not encoded again after other changes', async () => {
    await registry.register({ id: 'n1' });
    const to = responder();
    ask(to, 'web.service.consul');
    ask(to, 'n1.node.consul');
    for (let n = 0; n < 20; n++) {
      await registry.register({ id: `other-${n}`, service: `other-${n}` });
      await registry.replica.submit({ kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from(String(n)), flags: 0n });
      ask(to, 'web.service.consul');
      ask(to, 'n1.node.consul');
    }
    expect(to.encodings).toBe(2);
  });

  it('finds a service in mixed case as soon as it is registered, even after a negative answer', async () => {
    const to = responder();
    expect(ask(to, 'web.service.consul').rcode).toBe('NXDOMAIN');
    await registry.register({ id: 'n1', service: 'Web' });
    expect(ask(to, 'web.service.consul').answers).toHaveLength(1);
    await registry.register({ id: 'n2', service: 'wEB', nodeAddress: '10.0.0.2' });
    expect(ask(to, 'web.service.consul').answers).toHaveLength(2);
  });

  it('catches up with an index that was behind, without another change', async () => {
    // Every look at this clock takes 5 ms, so building an index does, and it rests for 95 ms.
    const slow = { ...clock, monotonic: () => (clock.advance(5), clock.monotonic()) };
    const to = responder({ clock: slow });
    await registry.register({ id: 'n1', nodeAddress: '10.0.0.1' });
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1']);
    await registry.register({ id: 'n2', service: 'WEB', nodeAddress: '10.0.0.2' });
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1']);
    clock.advance(1_000);
    expect(addresses(ask(to, 'web.service.consul'))).toEqual(['10.0.0.1', '10.0.0.2']);
    await registry.register({ id: 'n1', nodeAddress: '10.0.0.11' });
    for (const options of [{}, { edns: 1_232 }]) {
      expect(addresses(ask(to, 'web.service.consul', 'A', options)).slice(0, 2)).toEqual(['10.0.0.1', '10.0.0.2']);
    }
    clock.advance(1_000);
    for (const options of [{}, { edns: 1_232 }]) {
      expect(addresses(ask(to, 'web.service.consul', 'A', options)).slice(0, 2)).toEqual(['10.0.0.11', '10.0.0.2']);
    }
  });

  it('over UDP has 3 instances without EDNS, as many as fit with it, and over TCP all', async () => {
    for (let n = 1; n <= 40; n++) await registry.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}` });
    const to = responder();
    const plain = ask(to, 'web.service.consul', 'SRV');
    expect([plain.answers.length, plain.additionals.length, plain.flag_tc]).toEqual([3, 3, false]);
    const edns = ask(to, 'web.service.consul', 'SRV', { edns: 4_096 });
    expect(edns.bytes).toBeLessThanOrEqual(1_232);
    expect(edns.answers.length).toBeGreaterThan(15);
    expect(edns.additionals.at(-1)).toMatchObject({ type: 'OPT', udpPayloadSize: 1_232 });
    expect(ask(to, 'web.service.consul', 'SRV', { tcp: true }).answers).toHaveLength(40);
    expect(addresses(ask(to, 'web.service.consul', 'A', { edns: 1_232 }))).toHaveLength(40);
  });

  it('sets TC when it leaves instances out, if the settings say so', async () => {
    for (let n = 1; n <= 4; n++) await registry.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}` });
    expect(ask(responder(), 'web.service.consul').flag_tc).toBe(false);
    expect(ask(responder({ tellWhenCut: true }), 'web.service.consul').flag_tc).toBe(true);
    expect(ask(responder({ tellWhenCut: true }), 'web.service.consul', 'A', { edns: 1_232 }).flag_tc).toBe(false);
  });

  it('always has TC when it is cut, if its records are not alternatives', async () => {
    const nodeMeta = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key-${n}`, 'x'.repeat(50)]));
    await registry.register({ id: 'n1', nodeMeta });
    const to = responder();
    expect(ask(to, 'n1.node.consul', 'TXT').flag_tc).toBe(true);
    expect(ask(to, 'n1.node.consul', 'TXT', { tcp: true }).answers).toHaveLength(20);
    const few = responder();
    await registry.register({ id: 'n2', nodeMeta: { a: '1', b: '2', c: '3', d: '4', e: '5' } });
    expect(ask(few, 'n2.node.consul', 'TXT')).toMatchObject({ flag_tc: false, answers: { length: 5 } });
  });

  it('sets AA, and RA only when other domains are served, too', async () => {
    await registry.register({ id: 'n1' });
    expect(ask(responder(), 'web.service.consul')).toMatchObject({ flag_aa: true, flag_ra: false });
    expect(ask(responder({ recursion: true }), 'web.service.consul')).toMatchObject({ flag_aa: true, flag_ra: true });
  });
});

describe('"no"', () => {
  it('comes with the SOA, whose serial number is the revision', async () => {
    await registry.register({ id: 'n1' });
    const to = responder();
    const expected = { type: 'SOA', name: 'consul', ttl: 0, data: { mname: 'ns.consul', minimum: 0 } };
    const missing = ask(to, 'nope.service.consul');
    expect(missing).toMatchObject({ rcode: 'NXDOMAIN', flag_aa: true, answers: [], authorities: [expected] });
    const noSuchType = ask(to, 'web.service.consul', 'TXT');
    expect(noSuchType).toMatchObject({ rcode: 'NOERROR', flag_aa: true, answers: [], authorities: [expected] });
    await to.prepareAddresses();
    const reverse = ask(to, '8.8.8.8.in-addr.arpa', 'PTR');
    expect(reverse).toMatchObject({ rcode: 'NXDOMAIN', authorities: [expected] });
    const serial = () => (ask(to, 'nope.service.consul').authorities[0] as { data: { serial: number } }).data.serial;
    expect(serial()).toBe(registry.replica.state.revision);
    await registry.register({ id: 'n2' });
    expect(serial()).toBe(registry.replica.state.revision);
  });

  it('is correct for names of every length, in the case of the question, with and without EDNS', () => {
    const to = responder();
    for (let length = 1; length <= 63; length++) {
      for (const edns of [undefined, 1_232]) {
        for (const letter of ['x', 'Y']) {
          const name = `${letter.repeat(length)}.Service.Consul`;
          const reply = ask(to, name, 'A', edns === undefined ? {} : { edns });
          expect(reply.questions).toMatchObject([{ name }]);
          expect(reply.authorities).toMatchObject([{ name: 'Consul', data: { mname: 'ns.Consul' } }]);
          expect(reply.additionals).toHaveLength(edns === undefined ? 0 : 1);
        }
      }
    }
  });

  it('is correct for names of one length in different domains, in any order', async () => {
    const names = ['8.8.8.8.in-addr.arpa', 'seven.service.consul'];
    const soa = { name: 'consul', data: { mname: 'ns.consul' } };
    for (const order of [names, names.toReversed()]) {
      const to = responder();
      await to.prepareAddresses();
      for (const name of order) expect(ask(to, name).authorities).toMatchObject([soa]);
    }
  });

  it('costs little for a large service: its instances are read once, not for every wrong tag', async () => {
    for (let n = 0; n < 300; n++) await registry.register({ id: `n${n}`, tags: ['a', `tag-${n}`] });
    await registry.register({ id: 'down', service: 'down', status: 'critical' });
    const to = responder();
    const bucket = vi.spyOn(registry.replica.state, 'bucket');
    for (let n = 0; n < 1_000; n++) {
      expect(ask(to, `wrong-${n}.web.service.consul`).rcode).toBe('NXDOMAIN');
      expect(ask(to, 'down.service.consul').rcode).toBe('NXDOMAIN');
    }
    expect(ask(to, 'tag-7.web.service.consul').answers).toHaveLength(1);
    const looks = bucket.mock.calls.filter(([name]) => name.startsWith('service\0'));
    expect(looks).toEqual([['service\0default\0web'], ['service\0default\0down']]);
  });

  it('costs no memory and no encoding per name, for any number of wrong names', async () => {
    await registry.register({ id: 'n1' });
    const to = responder();
    ask(to, 'web.service.consul');
    const { encodings, keptBytes } = to;
    for (let n = 10_000; n < 60_000; n++) to.respond(queryPacket(`wrong-${n}.service.consul`, 'A'), true);
    expect(to.encodings).toBe(encodings + 1);
    expect(to.keptBytes).toBe(keptBytes);
    expect(to.answered[3]).toBe(50_000);
  });

  it('and answers together stay within their memory', async () => {
    for (let n = 0; n < 40; n++) await registry.register({ id: `n${n}`, service: `s${n}` });
    const to = responder();
    // An address has a name and an answer for each of 2^32: a client may ask for them all.
    for (let n = 0; n < 60_000; n++) to.respond(queryPacket(`${n.toString(16).padStart(8, '0')}.addr.consul`, 'A'), true);
    expect(to.keptBytes).toBeLessThanOrEqual(16_777_216);
    expect(ask(to, 's7.service.consul').answers).toHaveLength(1);
  });
});

describe('an answer over UDP', () => {
  it('is no longer than the server’s maximum, even if the query announces more', async () => {
    for (let n = 1; n <= 60; n++) await registry.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}` });
    const to = responder({ limits: { udpBytesMax: 4_096, udpRecordsMax: 3 } });
    const query = queryPacket('web.service.consul', 'SRV', { edns: 4_096 });
    const bytes = (ednsMax = Infinity) => (to.respond(query, true, { ednsMax, address: '' }) as Buffer).length;
    expect(bytes()).toBeGreaterThan(1_232);
    expect(bytes(1_232)).toBeLessThanOrEqual(1_232);
    expect(bytes(1_232)).toBeGreaterThan(900);
    // Over TCP the sender's address cannot be forged.
    expect((to.respond(query, false, { ednsMax: 1_232, address: '' }) as Buffer).length).toBeGreaterThan(1_232);
  });
});

describe('a refusal', () => {
  it.each<[what: string, rcode: string, query: Buffer]>([
    ['another domain', 'REFUSED', queryPacket('example.org', 'A')],
    ['the root', 'REFUSED', queryPacket('.', 'NS')],
    ['a transfer of the zone', 'NOTIMP', queryPacket('consul', 'AXFR')],
    ['an incremental transfer', 'NOTIMP', queryPacket('consul', 'IXFR')],
    ['another class', 'REFUSED', inClass(queryPacket('version.bind', 'TXT'), 3)],
    ['another class of our domain', 'REFUSED', inClass(queryPacket('web.service.consul', 'A'), 3)],
  ])('meets %s: %s', (_what, rcode, query) => {
    const response = responder().respond(query, true);
    const reply = decoded(response as Buffer);
    expect(reply).toMatchObject({ rcode, flag_aa: false, answers: [], authorities: [] });
    expect(reply.questions).toHaveLength(1);
    expect(reply.bytes).toBe(query.length);
  });

  it('answers an unknown version of EDNS with version 0', () => {
    const query = queryPacket('web.service.consul', 'A', { edns: 1_232 });
    query[query.length - 5] = 1;
    const reply = decoded(responder().respond(query, true) as Buffer);
    expect(reply.additionals).toMatchObject([{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }]);
  });

  it('is not sent for class ANY', async () => {
    await registry.register({ id: 'n1' });
    const reply = decoded(responder().respond(inClass(queryPacket('web.service.consul', 'A'), 255), true) as Buffer);
    expect(reply.answers).toHaveLength(1);
  });

  it('is not sent when there is a recursor, which is asked instead', async () => {
    await registry.register({ id: 'n1' });
    const to = responder({ recursion: true });
    expect(to.respond(queryPacket('example.org', 'A'), true)).toBe('ask-elsewhere');
    await to.prepareAddresses();
    expect(to.respond(queryPacket('8.8.8.8.in-addr.arpa', 'PTR'), true)).toBe('ask-elsewhere');
    expect(ask(to, '1.0.0.10.in-addr.arpa', 'PTR').answers).toHaveLength(1);
    expect(ask(to, 'nope.service.consul').rcode).toBe('NXDOMAIN');
  });
});

/** The query with another class; there must be nothing behind its question. */
function inClass(query: Buffer, number: number): Buffer {
  query.writeUInt16BE(number, query.length - 2);
  return query;
}
