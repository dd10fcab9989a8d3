/** Written messages, read by another implementation (dns-packet), and their limits. */

import packet from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoded, queryPacket } from './ask.case.ts';
import type { Room } from './limits.ts';
import { MessageWriter, complete, refuse, type Reply } from './message.ts';
import { QueryReader } from './query-reader.ts';
import { asAsked, rcodes, type Entry, type ResourceRecord } from './records.ts';

const plain: Room = { bytesMax: 512, recordsMax: Infinity, edns: false };
const tcp: Room = { bytesMax: 65_535, recordsMax: Infinity, edns: false };

function write(name: string, reply: Partial<Reply>, room: Room = plain, query = queryPacket(name, 'SRV')) {
  const reader = new QueryReader();
  const reading = reader.read(query);
  if (reading.kind !== 'query') throw new Error(`not a query: ${reading.kind}`);
  const whole: Reply = {
    rcode: rcodes.NOERROR,
    authoritative: true,
    recursionAvailable: false,
    entries: [],
    count: [...(reply.entries ?? [])].length,
    tellWhenCut: false,
    ednsBytes: 1_232,
    ...reply,
  };
  const template = new MessageWriter().write(reader.question(), whole, room);
  return complete(template, query, reading.query.nameEnd, 99, false);
}

const srv = (number: number): Entry => {
  const target = `node-${number}.node.dc1.consul`;
  return {
    record: { type: 'SRV', owner: asAsked, ttl: 5, weight: 1, port: 8_000 + number, target },
    along: [{ type: 'A', owner: target, ttl: 5, address: `0a00${number.toString(16).padStart(4, '0')}` }],
  };
};
const entries = (count: number) => Array.from({ length: count }, (_, number) => srv(number + 1));

describe('a message', () => {
  it('is read the same way by another implementation', () => {
    const records: ResourceRecord[] = [
      { type: 'A', owner: asAsked, ttl: 1, address: '0a000001' },
      { type: 'AAAA', owner: asAsked, ttl: 2, address: '20010db8000000000000000000000005' },
      { type: 'CNAME', owner: asAsked, ttl: 3, target: 'db.example.org' },
      { type: 'NS', owner: 'consul', ttl: 4, target: 'ns.dc1.consul' },
      { type: 'PTR', owner: asAsked, ttl: 5, target: 'web.service.dc1.consul' },
      { type: 'SRV', owner: asAsked, ttl: 6, weight: 7, port: 8_080, target: 'a.node.dc1.consul' },
      { type: 'TXT', owner: asAsked, ttl: 8, text: 'key=wert ü' },
      { type: 'SOA', owner: 'consul', ttl: 9, server: 'ns.consul', mailbox: 'hostmaster.consul' },
    ];
    const answer = decoded(write('Web.Service.Consul', { entries: records.map((record) => ({ record, along: [] })) }));
    expect(answer.answers.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'Web.Service.Consul A',
      'Web.Service.Consul AAAA',
      'Web.Service.Consul CNAME',
      // Pointers into the question keep its spelling, too.
      'Consul NS',
      'Web.Service.Consul PTR',
      'Web.Service.Consul SRV',
      'Web.Service.Consul TXT',
      'Consul SOA',
    ]);
    expect(answer.answers.map((record) => ('data' in record ? record.data : undefined))).toEqual([
      '10.0.0.1',
      '2001:db8::5',
      'db.example.org',
      'ns.dc1.Consul',
      'web.service.dc1.Consul',
      { priority: 1, weight: 7, port: 8_080, target: 'a.node.dc1.consul' },
      [Buffer.from('key=wert ü')],
      expect.objectContaining({ mname: 'ns.Consul', rname: 'hostmaster.Consul', serial: 99, refresh: 3_600, minimum: 0 }),
    ]);
  });

  it('comes back with the id, the question as spelled, RD and CD, and sets no other flags', () => {
    const query = queryPacket('wEb.SERVICE.consul', 'SRV', { id: 0xbeef });
    query[3] = 0x10;
    const answer = decoded(write('', { entries: entries(1) }, plain, query));
    expect(answer).toMatchObject({ id: 0xbeef, flag_qr: true, flag_aa: true, flag_rd: true, flag_cd: true });
    expect(answer).toMatchObject({ flag_ra: false, flag_tc: false, flag_z: false, flag_ad: false });
    expect(answer.questions).toEqual([{ name: 'wEb.SERVICE.consul', type: 'SRV', class: 'IN' }]);
    const quiet = decoded(write('', { entries: entries(1) }, plain, queryPacket('a.consul', 'A', { recurse: false })));
    expect(quiet).toMatchObject({ flag_rd: false, flag_cd: false });
  });

  it('writes the targets of SRV in full, as RFC 2782 requires, and uses pointers in their addresses', () => {
    const bytes = write('web.service.consul', { entries: entries(2) });
    const labels = (name: string) => name.split('.').map((label) => String.fromCharCode(label.length) + label);
    const inFull = (name: string) => bytes.toString('latin1').split(`${labels(name).join('')}\0`).length - 1;
    expect([inFull('node-1.node.dc1.consul'), inFull('node-2.node.dc1.consul')]).toEqual([1, 1]);
  });

  it('is at least a third shorter than one with uncompressed names', () => {
    const bytes = write('web.service.consul', { entries: entries(10) }, tcp);
    const { questions = [], answers, additionals } = decoded(bytes);
    const writtenOut = packet.encode({ type: 'response', questions, answers, additionals });
    expect(bytes.length).toBeLessThan(writtenOut.length * 0.67);
  });

  it('splits long text into strings of 255 bytes', () => {
    const text = 'x'.repeat(600);
    const record: ResourceRecord = { type: 'TXT', owner: asAsked, ttl: 0, text };
    const [answer] = decoded(write('a.node.consul', { entries: [{ record, along: [] }] }, tcp)).answers;
    const strings = (answer as { data: Buffer[] }).data;
    expect(strings.map((part) => part.length)).toEqual([255, 255, 90]);
    expect(Buffer.concat(strings).toString()).toBe(text);
  });

  it('adds an address once, for any number of records that point to it', () => {
    const shared = [1, 2, 3].map((port) => ({ ...srv(7), record: { ...srv(7).record, port } as ResourceRecord }));
    const answer = decoded(write('web.service.consul', { entries: shared }));
    expect([answer.answers.length, answer.additionals.length]).toEqual([3, 1]);
  });

  it('contains OPT when the query does, with the upper bits of the code', () => {
    const reply = { rcode: rcodes.BADVERS, entries: [] };
    const answer = decoded(write('web.service.consul', reply, { ...plain, edns: true }));
    expect(answer.additionals).toMatchObject([{ type: 'OPT', name: '.', udpPayloadSize: 1_232, extendedRcode: 1 }]);
    expect(answer.rcode).toBe('NOERROR');
  });

  it('is correct for names with similar labels', () => {
    // One label "x.consul" is not two; a record of "x.consul" must not point to it.
    const query = Buffer.from('00010100000100000000000008782e636f6e73756c06636f6e73756c0000010001', 'hex');
    const record: ResourceRecord = { type: 'NS', owner: 'x.consul', ttl: 0, target: 'y.x.consul' };
    const [answer] = decoded(write('', { entries: [{ record, along: [] }] }, plain, query)).answers;
    expect(answer).toMatchObject({ name: 'x.consul', data: 'y.x.consul' });
  });
});

describe('records that do not fit', () => {
  it('are left out: the others are sent, each with its address', () => {
    const bytes = write('web.service.consul', { entries: entries(100) });
    const answer = decoded(bytes);
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect(answer.additionals).toHaveLength(answer.answers.length);
    // 36 bytes of header and question; 42 and 16 for each.
    expect(answer.answers).toHaveLength(Math.floor((512 - 36) / 58));
    expect(answer.flag_tc).toBe(false);
  });

  it('set TC when the caller asks for it', () => {
    expect(decoded(write('web.service.consul', { entries: entries(100), tellWhenCut: true })).flag_tc).toBe(true);
    expect(decoded(write('web.service.consul', { entries: entries(2), tellWhenCut: true })).flag_tc).toBe(false);
    const limited = { ...plain, recordsMax: 3 };
    const answer = decoded(write('web.service.consul', { entries: entries(4), tellWhenCut: true }, limited));
    expect([answer.answers.length, answer.flag_tc]).toEqual([3, true]);
  });

  it('always set TC when no entry fits, since an empty answer would mean "no such record"', () => {
    const record: ResourceRecord = { type: 'TXT', owner: asAsked, ttl: 0, text: 'x'.repeat(600) };
    const answer = decoded(write('a.node.consul', { entries: [{ record, along: [] }] }));
    expect([answer.answers.length, answer.flag_tc]).toEqual([0, true]);
  });

  it('never make a message too long or unreadable; every entry that fits is sent', () => {
    const label = fc.stringMatching(/^[a-z0-9-]{1,63}$/);
    const target = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => `${labels.join('.')}.dc1.consul`);
    const entry = fc.record({ target, v6: fc.boolean(), port: fc.nat(65_535) }).map(
      ({ target: name, v6, port }): Entry => ({
        record: { type: 'SRV', owner: asAsked, ttl: 0, weight: 1, port, target: name },
        along: [
          v6
            ? { type: 'AAAA', owner: name, ttl: 0, address: '20010db8000000000000000000000005' }
            : { type: 'A', owner: name, ttl: 0, address: '0a000001' },
        ],
      }),
    );
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 60 }),
        fc.integer({ min: 512, max: 4_096 }),
        fc.boolean(),
        (all, bytesMax, edns) => {
          const room = { bytesMax, recordsMax: Infinity, edns };
          const bytes = write('web.service.consul', { entries: all }, room);
          expect(bytes.length).toBeLessThanOrEqual(bytesMax);
          const { answers } = decoded(bytes);
          expect(answers.map((each) => (each as { data: { target: string } }).data.target)).toEqual(
            all.slice(0, answers.length).map(({ record }) => (record as { target: string }).target),
          );
          if (answers.length === all.length) return;
          const oneMore = write('web.service.consul', { entries: all.slice(0, answers.length + 1) }, { ...tcp, edns });
          expect(oneMore.length).toBeGreaterThan(bytesMax);
        },
      ),
    );
  });

  it('are limited to 65,535 bytes over TCP, also beyond the reach of pointers', () => {
    const bytes = write('web.service.consul', { entries: entries(5_000) }, tcp);
    const answer = decoded(bytes);
    expect(bytes.length).toBeLessThanOrEqual(65_535);
    expect(bytes.length).toBeGreaterThan(65_000);
    expect(answer.additionals).toHaveLength(answer.answers.length);
    const targets = answer.answers.map((each) => (each as { data: { target: string } }).data.target);
    expect(answer.additionals.map(({ name }) => name)).toEqual(targets);
  });
});

describe('a refusal', () => {
  it('is a header with the id, the operation and RD of the query', () => {
    const query = Buffer.concat([Buffer.from('123429000005000100020003', 'hex'), Buffer.alloc(40, 0xff)]);
    expect(refuse(query, rcodes.NOTIMP, false).toString('hex')).toBe('1234a9040000000000000000');
    expect(refuse(query, rcodes.FORMERR, true).toString('hex')).toBe('000c1234a9010000000000000000');
  });
});
