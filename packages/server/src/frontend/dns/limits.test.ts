import { describe, expect, it } from 'vitest';
import { roomOf, shapeOf } from './limits.ts';

const limits = { udpBytesMax: 1_232, udpRecordsMax: 3 };

describe('the size limit of an answer', () => {
  it.each<[what: string, udp: boolean, edns: number | undefined, bytes: number, records: number]>([
    ['over UDP without EDNS: 512 bytes, 3 records', true, undefined, 512, 3],
    ['with EDNS of less than 512: still 512, as RFC 6891 §6.2.5 requires', true, 100, 512, 3],
    ['with EDNS of 512: 512 bytes, 3 records', true, 512, 512, 3],
    ['in between: rounded down, no limit of records', true, 1_000, 896, Infinity],
    ['with EDNS of our maximum: all of it', true, 1_232, 1_232, Infinity],
    ['with EDNS above: our maximum', true, 4_096, 1_232, Infinity],
    ['with the largest EDNS: our maximum', true, 65_535, 1_232, Infinity],
    ['over TCP: the largest length in 16 bits', false, undefined, 65_535, Infinity],
    ['over TCP with EDNS: the same', false, 512, 65_535, Infinity],
  ])('%s', (_what, udp, edns, bytesMax, recordsMax) => {
    expect(roomOf(shapeOf(udp, edns, limits), limits)).toEqual({ bytesMax, recordsMax, edns: edns !== undefined });
  });

  it('never exceeds the announced size or the maximum, and its shape fits into 16 bits', () => {
    for (const udpBytesMax of [512, 1_232, 4_096, 65_467]) {
      for (let edns = 0; edns <= 65_535; edns += 7) {
        const shape = shapeOf(true, edns, { udpBytesMax, udpRecordsMax: 3 });
        const { bytesMax } = roomOf(shape, { udpBytesMax, udpRecordsMax: 3 });
        if (shape < 65_536 && bytesMax <= Math.max(512, Math.min(edns, udpBytesMax))) continue;
        throw new Error(`shape ${shape} for ${edns} of at most ${udpBytesMax}: ${bytesMax}`);
      }
    }
  });

  it('has only a few values, so that few encodings of an answer are kept', () => {
    const shapes = new Set(Array.from({ length: 65_536 }, (_, edns) => shapeOf(true, edns, limits)));
    expect(shapes.size).toBe(7);
  });
});
