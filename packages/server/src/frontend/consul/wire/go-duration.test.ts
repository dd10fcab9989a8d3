import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from './go-duration.ts';

import fc from 'fast-check';

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['10s', 10e9],
    ['15.0s', 15e9],
    ['0.001s', 1e6],
    ['.5s', 5e8],
    ['1.s', 1e9],
    ['1m30s', 90e9],
    ['1h0m0.5s', 3600.5e9],
    ['100ms', 1e8],
    ['120000ms', 120e9],
    ['7us', 7e3],
    ['7µs', 7e3],
    ['1ns', 1],
    ['-5s', -5e9],
    ['+5s', 5e9],
  ])('%s is %d ns', (text, ns) => expect(parseDuration(text)).toBe(ns));

  test.each([
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['10', 'time: missing unit in duration "10"'],
    ['x', 'time: invalid duration "x"'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
    ['1 s', 'time: unknown unit " s" in duration "1 s"'],
    ['s', 'time: invalid duration "s"'],
    ['1s2', 'time: missing unit in duration "1s2"'],
    ['.s', 'time: invalid duration ".s"'],
    ['5__proto__', 'time: unknown unit "__proto__" in duration "5__proto__"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ])('refuses %j with the error of Go', (text, message) => {
    expect(() => parseDuration(text)).toThrow(message);
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [1, '1ns'],
    [1500, '1.5µs'],
    [1e6, '1ms'],
    [1.5e9, '1.5s'],
    [60e9, '1m0s'],
    [90e9, '1m30s'],
    [3600e9, '1h0m0s'],
    [86_400e9, '24h0m0s'],
    [-5e9, '-5s'],
  ])('%d ns is %s', (ns, text) => expect(formatDuration(ns)).toBe(text));

  test('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: -86_400_000, max: 86_400_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms * 1e6))).toBe(ms === 0 ? 0 : ms * 1e6);
      }),
    );
  });
});
