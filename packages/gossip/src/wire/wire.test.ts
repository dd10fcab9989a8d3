import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Exchange, Packet } from '../messages.ts';
import { decodeExchange, encodeExchange } from './exchange.ts';
import { decodePacket, encodePacket, packetBytes, updateBytes } from './packet.ts';
import { ReplayWindow } from './replay-window.ts';
import { Sealer, skewMaxMs, type SealerOptions } from './seal.ts';

const name = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
const number = fc.maxSafeNat();
const hash = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const sequence = fc.nat(2 ** 31 - 1);
const address = fc.record({ host: name, port: fc.integer({ min: 1, max: 65_535 }) });
const value = fc.option(fc.string({ maxLength: 300 }), { nil: undefined });
const update = fc.oneof(
  fc.record({ kind: fc.constant('alive' as const), name, address, incarnation: number }),
  fc.record({ kind: fc.constantFrom('suspect' as const, 'dead' as const), name, incarnation: number, by: name }),
  fc.record({ kind: fc.constant('left' as const), name, incarnation: number }),
  fc.record({ kind: fc.constant('row' as const), owner: name, generation: number, version: number, key: name, value }),
);
const head = fc.oneof(
  fc.constant({ kind: 'gossip' as const }),
  fc.record({ kind: fc.constantFrom('ack' as const, 'nack' as const), sequence }),
  fc.record({ kind: fc.constant('ping' as const), sequence, target: name }),
  fc.record({ kind: fc.constant('ping-request' as const), sequence, target: name, address, nackAfterMs: fc.nat(60_000) }),
);
const packet: fc.Arbitrary<Packet> = fc.record({ from: name, incarnation: number, membersHash: hash, rowsHash: hash, head, updates: fc.array(update, { maxLength: 8 }) });
const records = fc.array(fc.record({ name, address, incarnation: number, state: fc.constantFrom('alive' as const, 'suspect' as const, 'dead' as const, 'left' as const) }));
const digests = fc.array(fc.record({ owner: name, generation: number, known: number }));
const rows = fc.array(
  fc.record({ owner: name, generation: number, since: number, upTo: number, floor: number, rows: fc.array(fc.record({ key: name, version: number, value })) }),
);
const exchange: fc.Arbitrary<Exchange> = fc.oneof(
  fc.record({ kind: fc.constant('state' as const), from: name, records, digests }),
  fc.record({ kind: fc.constant('answer' as const), from: name, records, digests, rows }),
  fc.record({ kind: fc.constant('rows' as const), from: name, rows }),
  fc.record({ kind: fc.constant('stream-ping' as const), target: name }),
  fc.record({ kind: fc.constant('stream-ack' as const), from: name }),
);

/** Bytes with one of them changed, cut off or inserted. */
function damaged(bytes: Buffer, at: number, byte: number, how: number): Buffer {
  const place = at % bytes.length;
  const copy = Buffer.from(bytes);
  if (how === 0) copy[place] = byte;
  if (how === 1) return copy.subarray(0, place);
  if (how === 2) return Buffer.concat([copy.subarray(0, place), Buffer.from([byte]), copy.subarray(place)]);
  return copy;
}

describe('messages', () => {
  it('come out as they went in', () => {
    fc.assert(fc.property(packet, (given) => {
      expect(decodePacket(encodePacket(given))).toEqual({ ok: true, value: given });
    }));
    fc.assert(fc.property(exchange, (given) => {
      expect(decodeExchange(encodeExchange(given))).toEqual({ ok: true, value: given });
    }));
  });

  it('have the sizes that the parts say', () => {
    fc.assert(
      fc.property(packet, (given) => {
        expect(encodePacket(given)).toHaveLength(packetBytes(given) + given.updates.reduce((sum, each) => sum + updateBytes(each), 0));
      }),
    );
  });

  it('of any bytes are refused or read, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect([true, false]).toContain(decodePacket(bytes).ok);
        expect([true, false]).toContain(decodeExchange(bytes).ok);
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(packet, exchange, fc.nat(), fc.nat(255), fc.nat(2), (aPacket, anExchange, at, byte, how) => {
        decodePacket(damaged(encodePacket(aPacket), at, byte, how));
        decodeExchange(damaged(encodeExchange(anExchange), at, byte, how));
      }),
      { numRuns: 3_000 },
    );
  });

  it('that announce more than they have are refused without allocating for it', () => {
    // "rows" from "a" with 2⁵³ − 1 entries.
    const bytes = Buffer.from([1, 2, 1, 97, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    expect(decodeExchange(bytes)).toMatchObject({ ok: false });
  });
});

describe('a window', () => {
  it('takes each number once, and none that is too old', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(40), fc.nat(5_000)), { maxLength: 200 }), (numbers) => {
        const window = new ReplayWindow();
        const taken = new Set<number>();
        let highest = -1;
        for (const each of numbers) {
          expect(window.take(each)).toBe(!taken.has(each) && each > highest - 1_024);
          taken.add(each);
          highest = Math.max(highest, each);
        }
      }),
    );
  });
});

describe('sealing', () => {
  const keyA = Buffer.alloc(32, 1).toString('base64');
  const keyB = Buffer.alloc(32, 2).toString('base64');
  let senders = 0;
  const sealer = (options: Partial<SealerOptions> = {}) =>
    new Sealer({ group: 'home', keys: [keyA], sender: Buffer.alloc(16, ++senders), now: () => 1_700_000_000_000, ...options });
  const body = Buffer.from('hello');
  const refusal = (to: Sealer, bytes: Buffer) => {
    const opened = to.open('datagram', bytes);
    return opened.ok ? 'opened' : opened.reason;
  };

  it('opens what a member with the same key sealed, once', () => {
    const [a, b] = [sealer(), sealer()];
    const bytes = a.seal('datagram', body);
    expect(bytes.length).toBe(body.length + a.overhead);
    expect(bytes.includes(body)).toBe(false);
    expect(b.open('datagram', bytes)).toEqual({ ok: true, body });
    expect(refusal(b, bytes)).toBe('it came before');
  });

  it.each([
    ['of another group', sealer({ group: 'office' }), 'of another group'],
    ['of another key', sealer({ keys: [keyB] }), 'not in the ring'],
    ['without a key', sealer({ keys: undefined }), 'not encrypted'],
    ['of a clock that is wrong', sealer({ now: () => 1_700_000_000_000 - skewMaxMs - 1 }), 'set the clocks'],
  ])('refuses a message %s', (_what, from, reason) => {
    expect(refusal(sealer(), from.seal('datagram', body))).toContain(reason);
  });

  it('refuses every damaged message, and a datagram on a stream', () => {
    const [a, b] = [sealer(), sealer()];
    expect(b.open('stream', a.seal('datagram', body)).ok).toBe(false);
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), fc.nat(2), (at, byte, how) => {
        const bytes = a.seal('datagram', body);
        const other = damaged(bytes, at, byte, how);
        if (!other.equals(bytes)) expect(b.open('datagram', other).ok).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(b.open('datagram', Buffer.from(bytes)).ok).toBe(false);
    }));
  });

  it('replaces a key without a moment in which two members do not understand each other', () => {
    const members = [sealer(), sealer(), sealer()];
    const talk = () => members.forEach((from) => members.forEach((to) => {
      if (to !== from) expect(refusal(to, from.seal('datagram', body))).toBe('opened');
    }));
    for (const keys of [[keyA, keyB], [keyB, keyA], [keyB]]) {
      for (const member of members) {
        member.useKeys(keys);
        talk();
      }
    }
    expect(refusal(members[0] as Sealer, sealer().seal('datagram', body))).toContain('not in the ring');
  });

  it.each([
    ['too short', [Buffer.alloc(16).toString('base64')]],
    ['no base64', ['not a key at all, but as long as a key is....']],
    ['none', []],
  ])('refuses keys that are %s, and does not show them', (_what, keys) => {
    expect(() => sealer({ keys })).toThrow(/openssl rand -base64 32|give 1 to 8/);
    for (const key of keys) expect(() => sealer({ keys })).not.toThrow(key);
  });

  it('without keys accepts the own group only', () => {
    const [a, b, other] = [sealer({ keys: undefined }), sealer({ keys: undefined }), sealer({ keys: undefined, group: 'office' })];
    expect(b.open('datagram', a.seal('datagram', body))).toEqual({ ok: true, body });
    expect(refusal(b, other.seal('datagram', body))).toBe('it is of another group');
    expect(refusal(b, sealer().seal('datagram', body))).toContain('has no key');
  });
});
