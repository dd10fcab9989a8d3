import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineEvent, Transaction } from '../../engine/engine.ts';
import { decodeBeatAnswers, decodeBeats, encodeBeatAnswers, encodeBeats, type Beat, type BeatAnswer } from './beat-body.ts';
import { BadMessage } from './bytes.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import { decodeHello, encodeHello } from './hello.ts';
import { decodeAfter, decodeResult, decodeTransaction, encodeAfter, encodeResult, encodeTransaction, EventDecoder, EventEncoder } from './log-body.ts';
import { decodePresent, encodePresent } from './serve-presence.ts';

const number = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER));
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom('', 'a\0b', 'ä'.repeat(200), '💥'.repeat(50)));
const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value));

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), id: number, method: text, body: bytes }),
  fc.record({ kind: fc.constantFrom('answer' as const, 'item' as const), id: number, body: bytes }),
  fc.record({ kind: fc.constant('refusal' as const), id: number, code: fc.constantFrom('aborted' as const, 'unknown_outcome' as const), message: text }),
  fc.record({ kind: fc.constant('read' as const), id: number, bytes: number }),
  fc.record({ kind: fc.constant('cancel' as const), id: number }),
);
const transaction: fc.Arbitrary<Transaction> = fc.record({
  expect: fc.array(fc.record({ key: text, revision: number })),
  guards: fc.array(fc.record({ under: text, notAfter: number }), { minLength: 1 }),
  put: fc.array(fc.record({ key: text, value: bytes })),
  delete: fc.array(text),
  revisionAtLeast: number.filter((value) => value > 0),
});
const event: fc.Arbitrary<EngineEvent> = fc.oneof(
  fc.record({ kind: fc.constant('records' as const), reset: fc.boolean(), records: fc.array(fc.record({ key: text, value: bytes, revision: number })) }),
  fc.record({ kind: fc.constant('caught-up' as const), revision: number }),
  fc.record({ kind: fc.constant('transaction' as const), revision: number, put: fc.array(fc.record({ key: text, value: bytes })), delete: fc.array(text) }),
);
const beat: fc.Arbitrary<Beat> = fc.record({ key: text, status: fc.constantFrom('' as const, 'passing' as const, 'critical' as const), output: text, principal: text });
const answer: fc.Arbitrary<BeatAnswer> = fc.oneof(
  fc.record({ kind: fc.constantFrom('taken' as const, 'absent' as const) }),
  fc.record({ kind: fc.constant('moved' as const), to: text }),
);

function same(read: unknown, written: unknown): void {
  expect(read).toEqual(written);
}

describe('a message that is written and read again', () => {
  it('frames', () => fc.assert(fc.property(frame, (one) => same(decodeFrame(encodeFrame(one)), one))));

  it('transactions and their results', () => {
    fc.assert(fc.property(transaction, (one) => same(decodeTransaction(encodeTransaction(one)), one)));
    const least: Transaction = { expect: [], put: [], delete: [] };
    expect(decodeTransaction(encodeTransaction(least))).toEqual(least);
    for (const result of [{ ok: true, revision: 7 }, { ok: false, revision: 0, key: 'a\0b' }] as const) {
      expect(decodeResult(encodeResult(result))).toEqual(result);
    }
    for (const after of [undefined, 0, 2 ** 50]) expect(decodeAfter(encodeAfter(after))).toBe(after);
  });

  it('events, as parts', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), (events) => {
        const [encoder, decoder] = [new EventEncoder(), new EventDecoder()];
        const read = events.flatMap((one) => [...encoder.parts(one)].flatMap((part) => decoder.take(part) ?? []));
        expect(read).toEqual(events);
      }),
    );
  });

  it('a transaction that is larger than a message, which readers get whole', () => {
    const put = Array.from({ length: 5_000 }, (_, at) => ({ key: `k${at}`, value: Buffer.alloc(1_000, at) }));
    const large = { kind: 'transaction', revision: 9, put, delete: ['gone'] } as const;
    const [encoder, decoder] = [new EventEncoder(), new EventDecoder()];
    const parts = [...encoder.parts(large)];
    expect(parts.length).toBeGreaterThan(10);
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(300_000);
    const [read, ...more] = parts.flatMap((part) => decoder.take(part) ?? []) as (typeof large)[];
    expect(more).toEqual([]);
    expect({ ...read, put: read?.put.map(({ key }) => key) }).toEqual({ ...large, put: put.map(({ key }) => key) });
    // Comparing thousands of buffers one by one takes the test runner seconds.
    const valuesOf = (of: readonly { readonly value: Uint8Array }[]) => Buffer.concat(of.map(({ value }) => value));
    expect(valuesOf(read?.put ?? []).equals(valuesOf(put))).toBe(true);
  });

  it('beats and their answers, presences, hellos', () => {
    fc.assert(fc.property(number, fc.array(beat), (epoch, beats) => same(decodeBeats(encodeBeats({ epoch, beats })), { epoch, beats })));
    fc.assert(fc.property(fc.array(answer), (answers) => same(decodeBeatAnswers(encodeBeatAnswers(answers)), answers)));
    fc.assert(fc.property(fc.uniqueArray(text), (ids) => same(decodePresent(encodePresent(new Set(ids))), new Set(ids))));
    const hello = { nodeId: 'n', epoch: 3, version: '0.1.0', registryId: '' };
    expect(decodeHello(encodeHello(hello))).toEqual(hello);
    expect(decodeHello(encodeHello({ ...hello, operations: 128 }))).toEqual({ ...hello, operations: 128 });
  });
});

it('a transaction is encoded once for all its readers', () => {
  const encoder = new EventEncoder();
  const one: EngineEvent = { kind: 'transaction', revision: 1, put: [{ key: 'k', value: Buffer.from('v') }], delete: [] };
  expect([...encoder.parts(one)][0]).toBe([...encoder.parts(one)][0]);
});

describe('bytes that were not written by these functions', () => {
  const decoders: readonly [string, (body: Buffer) => unknown][] = [
    ['frame', decodeFrame],
    ['transaction', decodeTransaction],
    ['result', decodeResult],
    ['after', decodeAfter],
    ['beats', decodeBeats],
    ['answers to beats', decodeBeatAnswers],
    ['presences', decodePresent],
    ['event', (body) => new EventDecoder().take(body)],
    ['hello', (body) => decodeHello(body)],
  ];
  // Damaged good messages reach more code than random bytes.
  const damaged = fc
    .tuple(fc.oneof(transaction.map(encodeTransaction), fc.array(beat).map((beats) => encodeBeats({ epoch: 1, beats })), frame.map(encodeFrame)), fc.nat(), bytes)
    .map(([good, at, more]) => Buffer.concat([good.subarray(0, at % (good.length + 1)), more]));

  it.each(decoders)('are read as a %s, or refused as a bad message', (_name, decode) => {
    fc.assert(
      fc.property(fc.oneof(bytes, damaged), (body) => {
        try {
          decode(body);
        } catch (error) {
          if (!(error instanceof BadMessage)) expect(error).toMatchObject({ code: 'unimplemented' });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('announce no more entries than they have bytes, and no more beats than a batch has', () => {
    expect(() => decodeTransaction(Buffer.from([0, 0xff, 0xff, 0xff, 0x7f]))).toThrow(BadMessage);
    const beats = Array.from({ length: 513 }, (): Beat => ({ key: 'k', status: '', output: '', principal: '' }));
    expect(() => decodeBeats(encodeBeats({ epoch: 0, beats }))).toThrow('the limit is 512');
  });

  it('are refused as a hello of another protocol', () => {
    expect(() => decodeHello(Buffer.from('{"protocol":2}'))).toThrow(expect.objectContaining({ code: 'unimplemented' }));
  });
});
