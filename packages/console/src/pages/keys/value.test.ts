/** Values and folders of keys, as the page shows them. */

import { describe, expect, test } from 'vitest';
import { base64Of, bytesOf, foldersOf, formOf, hexOf, textOf } from './value.ts';

const base64 = (bytes: readonly number[]): string => Buffer.from(bytes).toString('base64');

describe('a value', () => {
  test.each<[string, readonly number[], string | undefined, string]>([
    ['text', [...Buffer.from('hällo')], 'hällo', 'text'],
    ['nothing', [], '', 'text'],
    ['an object', [...Buffer.from('{"a":1}')], '{"a":1}', 'json'],
    ['a number, which is shown as it is', [...Buffer.from('42')], '42', 'text'],
    ['an object that is no JSON', [...Buffer.from('{a}')], '{a}', 'text'],
    ['bytes', [0xff, 0xfe, 0], undefined, 'hex'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa', 'text'],
  ])('of %s', (_title, bytes, text, form) => {
    expect(textOf(bytesOf(base64(bytes)))).toBe(text);
    expect(formOf(text)).toBe(form);
    if (text !== undefined) expect(base64Of(text)).toBe(base64(bytes));
  });

  test('is long', () => {
    const text = 'ä'.repeat(100_000);
    expect(textOf(bytesOf(base64Of(text)))).toBe(text);
  });

  test('as bytes has a line for each 16', () => {
    expect(hexOf(Uint8Array.from({ length: 17 }, (_, at) => at + 60))).toBe('00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK\n00000010  4c                                               L');
  });
});

describe('folders', () => {
  test.each<[string, readonly string[]]>([
    ['', []],
    ['a', []],
    ['a/b/c', ['a/', 'a/b/']],
    ['a//', ['a/', 'a//']],
  ])('above %j', (key, prefixes) => {
    expect(foldersOf(key).map(({ prefix }) => prefix)).toEqual(prefixes);
  });
});
