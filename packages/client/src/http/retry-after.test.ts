import { expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-01-02T03:04:05Z');
const headersWith = (value: string) => ['x-other', '7', 'Retry-After', value].map((text) => Buffer.from(text));

it.each([
  ['3', 3_000],
  ['0', 0],
  [' 120 ', 120_000],
  ['Fri, 02 Jan 2026 03:04:15 GMT', 10_000],
  ['Fri, 02 Jan 2026 03:04:00 GMT', 0],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['2026-01-02', undefined],
])('reads "%s" as %s ms', (value, expected) => {
  expect(retryAfterMs(headersWith(value), now)).toBe(expected);
});

it('returns nothing when the header is missing or invalid', () => {
  expect(retryAfterMs([], now)).toBeUndefined();
  expect(retryAfterMs([Buffer.from('content-type'), Buffer.from('3')], now)).toBeUndefined();
});
