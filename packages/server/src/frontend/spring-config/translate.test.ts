/** Placeholders and nested files: bounded, and harmless for every key. */

import { expect, test } from 'vitest';
import { newBudget, replacePlaceholders } from './placeholders.ts';
import { nest, printFile } from './print.ts';

const values = new Map([['a', '1'], ['b', '${a}${a}'], ['loop', 'x${loop}'], ['name', 'a'], ['deep', '${${name}}']]);
const replace = (text: string) => replacePlaceholders(text, (key) => values.get(key), newBudget());

test.each([
  ['plain', 'plain'],
  ['${a}', '1'],
  ['${b}!', '11!'],
  ['${none}', '${none}'],
  ['${none:d}', 'd'],
  ['${none:}', ''],
  ['${none:${a}}', '1'],
  ['${deep}', '1'],
  ['${a', '${a'],
  ['$a {a} ${}', '$a {a} ${}'],
  ['${__proto__} ${constructor}', '${__proto__} ${constructor}'],
])('%s is %s', (text, replaced) => {
  expect(replace(text)).toBe(replaced);
});

test('values that name themselves or each other end', () => {
  expect(replace('${loop}')).toMatch(/^x+\$\{loop\}$/);
  const bomb = new Map(Array.from({ length: 30 }, (_, index): [string, string] => [`n${index}`, `\${n${index + 1}}`.repeat(10)]));
  expect(replacePlaceholders('${n0}', (key) => bomb.get(key) ?? 'x', newBudget()).length).toBeLessThan(50_000_000);
});

test('flat keys become objects and arrays, and conflicts lose nothing of the first', () => {
  const flat = new Map<string, string | number | boolean>([['a.b[0].c', 1], ['a.b[1]', true], ['a.b[9]', 'hole'], ['a', 'late'], ['x', 'first'], ['x.y', 2], ['__proto__.polluted', 'z'], ['constructor.prototype.polluted', 'z']]);
  expect(JSON.stringify(nest(flat))).toBe('{"a":{"b":[{"c":1},true]},"x":"first","__proto__":{"polluted":"z"},"constructor":{"prototype":{"polluted":"z"}}}');
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});

test('YAML quotes what another reader would take for something else', () => {
  const flat = new Map<string, string | number | boolean>([['no', 'no'], ['a b', '1: 2'], ['n', 1], ['t', true], ['m', 'x\ny']]);
  expect(printFile(flat, 'yml').text).toBe('"no": "no"\n"a b": "1: 2"\n"n": 1\nt: true\nm: "x\\ny"\n');
});
