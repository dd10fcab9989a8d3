/** What the text of a filter box means: words, or an expression. */

import { expect, test } from 'vitest';
import { compileFor } from './filter-expression.ts';
import { hasWords, looksLikeExpression } from './filter-words.ts';

interface Row {
  readonly id: string;
  readonly status: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly weight: number;
}

const fields = [
  { name: 'Id', kind: 'text', read: (row: Row) => row.id },
  { name: 'Status', kind: 'text', read: (row: Row) => row.status },
  { name: 'Tags', kind: 'texts', read: (row: Row) => row.tags },
  { name: 'Meta', kind: 'map', read: (row: Row) => row.meta },
  { name: 'Weight', kind: 'number', read: (row: Row) => row.weight },
] as const;
const names = fields.map(({ name }) => name);

const rows: readonly Row[] = [
  { id: 'web-1', status: 'critical', tags: ['v1'], meta: { zone: 'a' }, weight: 1 },
  { id: 'web-2', status: 'passing', tags: ['v2'], meta: {}, weight: 5 },
];
const idsOf = (found: readonly Row[]) => found.map(({ id }) => id);

test.each([
  ['web', false],
  ['machines in Berlin', false],
  ['Status', false],
  ['Status == critical', true],
  ['Weight != 1', true],
  ['"v1" in Tags', true],
  ['Tags is empty', true],
  ['Id matches "^web"', true],
  ['Nothing == 1', true],
])('%j is an expression: %j', (text, expected) => {
  expect(looksLikeExpression(text, names)).toBe(expected);
});

test.each([
  ['web', ['web-1', 'web-2']],
  ['WEB v1', ['web-1']],
  ['zone', ['web-1']],
  ['5', ['web-2']],
  ['web nothing', []],
])('the words %j match by any field', (text, expected) => {
  expect(idsOf(rows.filter(hasWords(fields, text)))).toEqual(expected);
});

test.each([
  ['Status == critical and "v1" in Tags', ['web-1']],
  ['Weight == 5', ['web-2']],
  ['Meta.zone == a', ['web-1']],
  ['not (Status == critical)', ['web-2']],
  ['Id == "web-\\u0031"', ['web-1']],
])('the expression %j matches as on the server', (text, expected) => {
  const begin = compileFor(fields, text);
  expect(begin instanceof Error ? begin.message : idsOf(rows.filter(begin()))).toEqual(expected);
});

test.each([
  ['Status ==', 'The expression is not complete.'],
  ['Nothing == 1', 'Selector "Nothing" is not valid'],
  ['Weight matches "1"', 'Invalid match operator'],
])('the fault of %j is said', (text, reason) => {
  const fault = compileFor(fields, text);
  expect(fault instanceof Error ? fault.message : '').toContain(reason);
});
