import { describe, expect, it } from 'vitest';
import { Encoded } from './encoded.ts';
import { randomFrom } from './random.ts';
import { asAsked, type Entry } from './records.ts';

const entries = (count: number): Entry[] =>
  Array.from({ length: count }, (_, number) => ({
    record: { type: 'A', owner: asAsked, ttl: 0, address: number.toString(16).padStart(8, '0') },
    along: [],
  }));

/** Sends `sends` times; "encodes" the first `fitting` entries as a comma list. */
function send(count: number, options: { sends: number; fitting: number; choice?: boolean; bytesMax?: number }) {
  let encodings = 0;
  const encoded = new Encoded({
    entries: entries(count),
    choice: options.choice ?? true,
    bytesMax: options.bytesMax ?? 512,
    random: randomFrom('5eed5eed'),
    write(ordered) {
      encodings++;
      const shown = ordered.slice(0, options.fitting).map(({ record }) => ('address' in record ? record.address : ''));
      return { bytes: Buffer.from(shown.join()), serialAt: 0 };
    },
  });
  const sent = Array.from({ length: options.sends }, () => encoded.next().bytes.toString().split(','));
  return { sent, encodings };
}

describe('an encoded answer', () => {
  it('gives every instance its turn, though only 3 of 100 fit at a time', () => {
    const sends = 25_600;
    const { sent, encodings } = send(100, { sends, fitting: 3 });
    const shares = new Map<string, number>();
    for (const address of sent.flat()) shares.set(address, (shares.get(address) ?? 0) + 1);
    expect(shares.size).toBe(100);
    // 768 each; an order is sent 16 times, so chance spreads by a quarter.
    for (const [, share] of shares) expect(share / (sends * 0.03)).toBeGreaterThan(0.3);
    for (const [, share] of shares) expect(share / (sends * 0.03)).toBeLessThan(2);
    expect(encodings).toBe(sends / 16);
  });

  it('puts every instance first equally often', () => {
    const { sent } = send(3, { sends: 48_000, fitting: 3 });
    for (const address of ['00000000', '00000001', '00000002']) {
      const first = sent.filter(([head]) => head === address).length;
      expect(first / 16_000).toBeGreaterThan(0.9);
      expect(first / 16_000).toBeLessThan(1.1);
    }
  });

  it('does not repeat itself at once: queries in a row see several orders', () => {
    const { sent } = send(100, { sends: 8, fitting: 3 });
    expect(new Set(sent.map(String)).size).toBeGreaterThan(4);
  });

  it('never loses or doubles an instance by shuffling', () => {
    const { sent } = send(7, { sends: 500, fitting: 7 });
    for (const each of sent) expect(new Set(each).size).toBe(7);
  });

  it.each([
    ['of one instance', 1, true],
    ['that is no choice', 5, false],
  ])('%s is encoded once and stays in order', (_what, count, choice) => {
    const { sent, encodings } = send(count, { sends: 100, fitting: count, choice });
    expect(encodings).toBe(1);
    expect(sent[99]).toEqual(entries(count).map(({ record }) => ('address' in record ? record.address : '')));
  });

  it('that is large is kept in one order at a time', () => {
    const { sent, encodings } = send(50, { sends: 64, fitting: 50, bytesMax: 65_535 });
    expect(encodings).toBe(4);
    expect(new Set(sent.map(String)).size).toBe(4);
  });
});
