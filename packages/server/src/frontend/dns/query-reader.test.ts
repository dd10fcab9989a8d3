/** Reading untrusted packets: each gives one of three results, and no packet an exception. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryPacket } from './ask.case.ts';
import { QueryReader, type Reading } from './query-reader.ts';
import { rcodes, types } from './records.ts';

const read = (packet: Buffer): Reading => new QueryReader().read(packet);
const bytes = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex');

const header = (flags: string, counts: string) => `1234 ${flags} ${counts}`;
const web = '03 776562 07 73657276696365 06 636f6e73756c 00 0001 0001';
const opt = '00 0029 04d0 00 00 0000 0000';

describe('a query', () => {
  it('is read with its type, class and EDNS', () => {
    const reading = read(bytes(`${header('0100', '0001 0000 0000 0001')} ${web} ${opt}`));
    expect(reading).toEqual({
      kind: 'query',
      query: { type: types.A, class: 1, nameEnd: 32, edns: { bytesMax: 1_232, version: 0 } },
    });
  });

  it('may carry a signature besides OPT, in either order', () => {
    const tsig = '01 61 00 00fa 00ff 00000000 0002 abcd';
    for (const additionals of [`${opt} ${tsig}`, `${tsig} ${opt}`]) {
      const reading = read(bytes(`${header('0100', '0001 0000 0000 0002')} ${web} ${additionals}`));
      expect(reading).toMatchObject({ kind: 'query', query: { edns: { bytesMax: 1_232 } } });
    }
  });

  it('has one key in any case of letters, and other keys for other types and shapes', () => {
    const reader = new QueryReader();
    const keyOf = (name: string, type: 'A' | 'SRV', shape: number) => {
      reader.read(queryPacket(name, type));
      return reader.key(shape);
    };
    expect(keyOf('WeB.sErViCe.CONSUL', 'A', 7)).toBe(keyOf('web.service.consul', 'A', 7));
    const keys = [keyOf('web.service.consul', 'A', 7), keyOf('web.service.consul', 'A', 8)];
    keys.push(keyOf('web.service.consul', 'SRV', 7), keyOf('web.service.consu1', 'A', 7));
    expect(new Set(keys).size).toBe(4);
  });

  it('ignores case in A to Z only, not in other bytes', () => {
    const reader = new QueryReader();
    const keyOf = (label: string) => {
      reader.read(bytes(`${header('0100', '0001 0000 0000 0000')} 01 ${label} 00 0001 0001`));
      return reader.key(0);
    };
    expect(keyOf('c4')).not.toBe(keyOf('e4'));
    expect(keyOf('40')).not.toBe(keyOf('60'));
    expect(keyOf('5b')).not.toBe(keyOf('7b'));
  });
});

describe('bytes that are not a query', () => {
  const long = '3f' + '61'.repeat(63);
  it.each<[what: string, hex: string, expected: number | 'silence']>([
    ['nothing', '', 'silence'],
    ['less than a header', '1234 0100 0001 0000 0000 00', 'silence'],
    ['an answer, since two servers could answer each other without end', `${header('8180', '0001 0000 0000 0000')} ${web}`, 'silence'],
    ['another operation', `${header('2800', '0001 0000 0000 0000')} ${web}`, rcodes.NOTIMP],
    ['no question', header('0100', '0000 0000 0000 0000'), rcodes.FORMERR],
    ['two questions', `${header('0100', '0002 0000 0000 0000')} ${web} ${web}`, rcodes.FORMERR],
    ['counts of 65,535 in 13 bytes', `${header('0100', 'ffff ffff ffff ffff')} 00`, rcodes.FORMERR],
    ['an answer in a query', `${header('0100', '0001 0001 0000 0000')} ${web}`, rcodes.FORMERR],
    ['an authority in a query', `${header('0100', '0001 0000 0001 0000')} ${web}`, rcodes.FORMERR],
    ['a header that counts a question which is missing', header('0100', '0001 0000 0000 0000'), rcodes.FORMERR],
    ['a name without an end', `${header('0100', '0001 0000 0000 0000')} 03 776562`, rcodes.FORMERR],
    ['a label that is longer than the packet', `${header('0100', '0001 0000 0000 0000')} 3f 776562`, rcodes.FORMERR],
    ['a name without type', `${header('0100', '0001 0000 0000 0000')} 03 776562 00`, rcodes.FORMERR],
    ['a pointer to itself', `${header('0100', '0001 0000 0000 0000')} c00c 0001 0001`, rcodes.FORMERR],
    ['a label of the reserved forms', `${header('0100', '0001 0000 0000 0000')} 41 61 00 0001 0001`, rcodes.FORMERR],
    ['a name of 257 bytes', `${header('0100', '0001 0000 0000 0000')} ${long.repeat(4)} 00 0001 0001`, rcodes.FORMERR],
    ['a header that counts OPT which is missing', `${header('0100', '0001 0000 0000 0001')} ${web}`, rcodes.FORMERR],
    ['OPT that is cut', `${header('0100', '0001 0000 0000 0001')} ${web} 00 0029 04d0`, rcodes.FORMERR],
    ['OPT with cut options', `${header('0100', '0001 0000 0000 0001')} ${web} ${opt.slice(0, -4)} 0008 00`, rcodes.FORMERR],
    ['OPT twice', `${header('0100', '0001 0000 0000 0002')} ${web} ${opt} ${opt}`, rcodes.FORMERR],
    ['OPT under a name', `${header('0100', '0001 0000 0000 0001')} ${web} 01 61 ${opt}`, rcodes.FORMERR],
    ['more records than a query may have', `${header('0100', '0001 0000 0000 0003')} ${web} ${opt}`, rcodes.FORMERR],
  ])('%s', (_what, hex, expected) => {
    const reading = read(bytes(hex));
    expect(reading.kind === 'refusal' ? reading.rcode : reading.kind).toBe(expected);
  });

  it('do not include a name of 255 bytes, which is the longest', () => {
    const name = `${long.repeat(3)} 3d ${'61'.repeat(61)} 00`;
    expect(read(bytes(`${header('0100', '0001 0000 0000 0000')} ${name} 0001 0001`))).toMatchObject({
      kind: 'query',
      query: { nameEnd: 12 + 255 },
    });
  });

  it('of any kind never make the reader throw', () => {
    const reader = new QueryReader();
    const oneQuestion = bytes(header('0100', '0001 0000 0000 0001'));
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array({ maxLength: 600 }).map((rest) => Buffer.concat([oneQuestion, rest])),
    );
    fc.assert(
      fc.property(packet, (raw) => {
        const reading = reader.read(Buffer.from(raw));
        if (reading.kind !== 'query') return;
        expect(reader.labels().length).toBeLessThanOrEqual(127);
        expect(reader.question().length).toBe(reading.query.nameEnd - 12 + 4);
      }),
      { numRuns: 3_000 },
    );
  });
});
