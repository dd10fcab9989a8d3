import fc from 'fast-check';
import { expect, it } from 'vitest';
import { utcTime } from './utc-time.ts';

it('is what JavaScript prints', () => {
  const printed = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
  for (const text of ['1970-01-01T00:00:00Z', '2000-02-29T23:59:59Z', '2100-03-01T00:00:00Z', '2400-02-29T12:00:00Z', '9999-12-31T23:59:59Z']) expect(utcTime(Date.parse(text))).toBe(text);
  fc.assert(fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
    expect(utcTime(ms)).toBe(printed(ms));
  }));
});
