/** Times as operators type and read them. */

import { expect, test } from 'vitest';
import { clockOf, parseTime, spanOf } from './time.ts';

const now = new Date(2026, 10, 29, 14, 30, 5).getTime();
const at = (day: number, ...time: [number, number, number]) => new Date(2026, 10, day, ...time).getTime();

test.each([
  ['10m', now - 600_000],
  ['-90s', now - 90_000],
  ['1.5h ago', now - 5_400_000],
  ['2d', now - 172_800_000],
  ['14:02', at(29, 14, 2, 0)],
  ['14:02:10', at(29, 14, 2, 10)],
  // It was not yet 15:00 today.
  ['15:00', at(28, 15, 0, 0)],
  ['2026-11-28', at(28, 0, 0, 0)],
  ['2026-11-28 09:05', at(28, 9, 5, 0)],
  ['2026-11-28T09:05:07Z', Date.UTC(2026, 10, 28, 9, 5, 7)],
])('%j is a time', (text, expected) => {
  expect(parseTime(text, now)).toBe(expected);
});

test.each(['', 'soon', '10', '10y', '25:00', '12:60', '2026-13-01', '28.11.2026'])('%j is none', (text) => {
  expect(parseTime(text, now)).toBeUndefined();
});

test.each([
  [at(29, 9, 5, 7), '09:05:07'],
  [at(28, 9, 5, 7), '2026-11-28 09:05:07'],
])('%d is shown as %j', (ms, text) => {
  expect(clockOf(ms, now)).toBe(text);
});

test.each([
  [1_000, '1 second'],
  [90_000, '90 seconds'],
  [720_000, '12 minutes'],
  [7_200_000, '2 hours'],
  [259_200_000, '3 days'],
])('%d ms are %j', (ms, text) => {
  expect(spanOf(ms)).toBe(text);
});
