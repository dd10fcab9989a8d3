/** Which rows are equal: a write of an equal row takes no transaction, any other write takes one. */

import { expect, test } from 'vitest';
import type { RecordRow } from './kind/record/rows.ts';
import type { Row } from './kinds.ts';
import type { Json } from './row.ts';
import { sameContent } from './same-content.ts';

const record = (value: Json, more: object = {}): RecordRow => ({
  kind: 'record',
  namespace: 'default',
  type: 't',
  id: 'i',
  value,
  created: 0,
  modified: 0,
  ...more,
});

const parsed = (text: string) => JSON.parse(text) as Json;

test.each<[what: string, a: Json, b: Json, same: boolean]>([
  ['equal text', 'a', 'a', true],
  ['a number and its text', 1, '1', false],
  ['lists of another order', ['a', 'b'], ['b', 'a'], false],
  ['a list and one that is longer', ['a'], ['a', 'b'], false],
  ['an empty list and an empty object', [], {}, false],
  ['null and an object', null, {}, false],
  ['objects of another order', { a: 1, b: [2] }, { b: [2], a: 1 }, true],
  ['an object and one with a field more', { a: 1 }, { a: 1, b: 2 }, false],
  ['as many fields of other names', { a: 1 }, { b: 1 }, false],
  ['a name that objects inherit', parsed('{"__proto__":{}}'), { b: 1 }, false],
  ['a method that objects inherit', { toString: 'a' }, { b: 'a' }, false],
])('%s', (_what, a, b, same) => {
  expect(sameContent(record(a), record(b))).toBe(same);
  expect(sameContent(record(b), record(a))).toBe(same);
});

test('revisions do not count as content, nor does an ignored field; an undefined field equals an absent one', () => {
  expect(sameContent(record(1, { created: 3, modified: 4 }), record(1))).toBe(true);
  const changed = { ...record(1), changedMs: 5 } as Row;
  expect([sameContent(changed, record(1)), sameContent(record(1), changed)]).toEqual([false, false]);
  expect([sameContent(changed, record(1), 'changedMs'), sameContent(record(1), changed, 'changedMs')]).toEqual([true, true]);
  expect(sameContent(record(1, { foreign: undefined }), record(1))).toBe(true);
});

test('bytes are compared by value', () => {
  const kv = (value: Uint8Array): Row => ({ kind: 'kv', namespace: 'default', key: 'k', value, flags: 1n, lockIndex: 0, created: 0, modified: 0 });
  expect(sameContent(kv(Buffer.from('ab')), kv(Buffer.from('xabx').subarray(1, 3)))).toBe(true);
  expect(sameContent(kv(Buffer.from('ab')), kv(Buffer.from('ac')))).toBe(false);
});
