import { describe, expect, it } from 'vitest';
import { Encoded } from './encoded.ts';
import { randomFrom } from './random.ts';
import { asAsked, type Entry } from './records.ts';

const address = (number: number) => number.toString(16).padStart(8, '0');
const entry = (number: number): Entry => ({
  record: { type: 'A', owner: asAsked, ttl: 0, address: address(number) },
  along: [],
});

/** Sends `sends` times; "encodes" the first `fitting` entries as a comma list. */
function send(count: number, options: { sends: number; fitting: number; choice?: boolean; bytesMax?: number }) {
  let encodings = 0;
  let made = 0;
  const encoded = new Encoded({
    count,
    entry: (number) => (made++, entry(number)),
    choice: options.choice ?? true,
    bytesMax: options.bytesMax ?? 512,
    random: randomFrom('5eed5eed'),
    write(ordered) {
      encodings++;
      const shown: string[] = [];
      for (const { record } of ordered) {
        if (shown.length === options.fitting) break;
        shown.push('address' in record ? record.address : '');
      }
      return { bytes: Buffer.from(shown.join()), serialAt: 0 };
    },
  });
  const sent = Array.from({ length: options.sends }, () => encoded.next().bytes.toString().split(','));
  return { sent, encodings, made };
}

describe('an encoded answer', () => {
  it('gives every instance its turn, though only 3 of 100 fit at a time', () => {
    const sends = 25_600;
    const { sent, encodings } = send(100, { sends, fitting: 3 });
    const shares = new Map<string, number>();
    for (const each of sent.flat()) shares.set(each, (shares.get(each) ?? 0) + 1);
    expect(shares.size).toBe(100);
    // 768 each; an order is sent 16 times, so chance spreads by a quarter.
    for (const [, share] of shares) expect(share / (sends * 0.03)).toBeGreaterThan(0.3);
    for (const [, share] of shares) expect(share / (sends * 0.03)).toBeLessThan(2);
    expect(encodings).toBe(sends / 16);
  });

  it('puts every instance first equally often', () => {
    const { sent } = send(3, { sends: 48_000, fitting: 3 });
    for (const number of [0, 1, 2]) {
      const first = sent.filter(([head]) => head === address(number)).length;
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
    expect(sent[99]).toEqual(Array.from({ length: count }, (_unused, number) => address(number)));
  });

  it('makes no more records than are looked at', () => {
    const { made } = send(10_000, { sends: 1, fitting: 3 });
    expect(made).toBe(4);
  });

  it('that is large is kept in one order at a time', () => {
    const { sent, encodings } = send(50, { sends: 64, fitting: 50, bytesMax: 65_535 });
    expect(encodings).toBe(4);
    expect(new Set(sent.map(String)).size).toBe(4);
  });
});
