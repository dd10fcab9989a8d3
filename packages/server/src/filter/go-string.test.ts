/** Strings are read and quoted as Go does. */

import { describe, expect, it } from 'vitest';
import { quote, unquote } from './go-string.ts';

describe('unquote', () => {
  it.each([
    ['plain', 'plain'],
    ['a\\tb\\n', 'a\tb\n'],
    ['back\\\\slash', 'back\\slash'],
    ['\\"quoted\\"', '"quoted"'],
    ['\\u00e9', 'é'],
    ['\\U0001F600', '😀'],
    ['\\x41\\101', 'AA'],
    // Two bytes that make one character.
    ['\\xc3\\xa9', 'é'],
  ])('%s', (body, text) => expect(unquote(body)).toBe(text));

  it.each(['\\q', '\\x4', '\\u12', '\\400', '\\U00110000', '\\ud800', 'line\nbreak', 'a"b', 'end\\', "\\'"])(
    'refuses %j',
    (body) => expect(unquote(body)).toBeUndefined(),
  );
});

describe('quote', () => {
  it.each([
    ['web', '"web"'],
    ['a"b\\', '"a\\"b\\\\"'],
    ['\u0000\u001f\n', '"\\x00\\x1f\\n"'],
    ['é😀', '"é😀"'],
    ['\u200b', '"\\u200b"'],
  ])('%j', (text, quoted) => expect(quote(text)).toBe(quoted));
});
