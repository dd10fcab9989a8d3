import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseProperties, printProperties } from './properties.ts';

function parsed(text: string): Record<string, string> {
  const result = parseProperties(text);
  if (!result.ok) throw new Error(`line ${result.line}: ${result.message}`);
  return Object.fromEntries(result.entries);
}

it.each([
  ['Truth = Beauty', { Truth: 'Beauty' }],
  [' Truth:Beauty', { Truth: 'Beauty' }],
  ['Truth                    :Beauty', { Truth: 'Beauty' }],
  ['a b c', { a: 'b c' }],
  ['a = = b', { a: '= b' }],
  ['a:=b', { a: '=b' }],
  ['cheeses', { cheeses: '' }],
  ['=x', { '': 'x' }],
  ['# a = 1\n! b = 2\n\n  \t\nc=3', { c: '3' }],
  ['a=1\r\nb=2\rc=3', { a: '1', b: '2', c: '3' }],
  ['fruits  apple, banana, \\\n    pear, \\\n    cantaloupe', { fruits: 'apple, banana, pear, cantaloupe' }],
  ['a=1\\\\\nb=2', { a: '1\\', b: '2' }],
  ['a=1\\\n# not a comment', { a: '1# not a comment' }],
  ['a=1\\', { a: '1' }],
  ['a\\ b\\:c=d\\te', { 'a b:c': 'd\te' }],
  ['a=\\u00e9\\u65e5\\q', { a: 'é日q' }],
  ['a=b   ', { a: 'b   ' }],
  ['\ufeffa=1', { a: '1' }],
  ['', {}],
])('reads %j as Java does', (text, expected) => {
  expect(parsed(text)).toEqual(expected);
});

it('refuses a key that stands twice, and names both lines', () => {
  expect(parseProperties('a=1\n# x\nb=2\na = 3')).toEqual({
    ok: false,
    line: 4,
    message: 'key "a" is on line 1 already; remove one of the two',
  });
});

it('refuses an escape without four digits', () => {
  expect(parseProperties('x=1\na=\\u12g4')).toMatchObject({ ok: false, line: 2 });
});

it('keeps the names of object properties as keys', () => {
  const result = parseProperties('__proto__=1\nconstructor=2');
  expect(result.ok && [...result.entries]).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
  ]);
});

it('reads back whatever entries it prints', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '=', ':', '#', '!', ' ', '\t', '\f', '\n', '\r', '\\', 'u', 'é', '日', '😀') });
  fc.assert(
    fc.property(fc.dictionary(text, text), (dictionary) => {
      const entries = Object.entries(dictionary);
      const result = parseProperties(printProperties(entries));
      expect(result.ok && [...result.entries]).toEqual(entries);
    }),
  );
});
