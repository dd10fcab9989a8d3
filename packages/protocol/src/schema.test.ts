/** The check by a schema: what it refuses, how its errors name fields, and the types that follow from it. */

import { expect, expectTypeOf, test } from 'vitest';
import { faultIn, faultInAnswer, object, type Schema, type Shaped } from './schema.ts';

const person = object({
  'name': { type: 'string', minLength: 1, maxLength: 5 },
  'age?': { type: 'integer', minimum: 0, maximum: 150 },
  'rank?': { type: 'string', enum: ['low', 'high'] },
  'friends?': { type: 'array', maxItems: 2, items: object({ name: { type: 'string' } }) },
  'notes?': { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
  'pause?': { anyOf: [object({ 'ms': { type: 'number', exclusiveMinimum: 0 } }), { const: false }] },
  'left?': { anyOf: [{ type: 'null' }, { type: 'integer' }] },
  'code?': { type: 'string', pattern: '^[a-z]+$', description: 'lower-case letters' },
});

test.each<[string, unknown, string | undefined]>([
  ['a value with every field', { name: 'ann', age: 3, rank: 'low', friends: [{ name: 'bob' }], notes: { a: 'b' }, pause: { ms: 1 }, code: 'a' }, undefined],
  ['the other alternative', { name: 'ann', pause: false }, undefined],
  ['no object', [], 'it must be an object'],
  ['null', null, 'it must be an object'],
  ['a missing field', {}, 'it lacks name'],
  ['an unknown field near a known one', { name: 'a', aeg: 3 }, 'it has the unknown field "aeg"; did you mean age?'],
  ['an unknown field like no other', { name: 'a', zzzzzzz: 3 }, 'it has the unknown field "zzzzzzz"; there are name, age, rank, friends, notes, pause, left, code'],
  ['an empty text', { name: '' }, 'name is empty'],
  ['a long text', { name: 'abcdef' }, 'name has 6 characters, the limit is 5'],
  ['a text for a number', { name: 'a', age: '3' }, 'age must be a whole number'],
  ['a fraction', { name: 'a', age: 1.5 }, 'age must be a whole number'],
  ['a number out of its range', { name: 'a', age: 151 }, 'age is 151, it must be 0 to 150'],
  ['an unknown word', { name: 'a', rank: 'mid' }, 'rank is "mid"; there are low, high'],
  ['a field inside a list', { name: 'a', friends: [{ name: 'b' }, { name: 4 }] }, 'friends[1].name must be a text'],
  ['a long list', { name: 'a', friends: [{}, {}, {}] }, 'friends has 3 entries, the limit is 2'],
  ['free fields of another type', { name: 'a', notes: { x: 1 } }, 'notes.x must be a text'],
  ['many free fields', { name: 'a', notes: { x: 'a', y: 'b' } }, 'notes has 2 fields, the limit is 1'],
  ['an object that fits no alternative', { name: 'a', pause: { ms: 0 } }, 'pause.ms is 0, it must be more than 0'],
  ['null where it may be', { name: 'a', left: null }, undefined],
  ['a text where null may be', { name: 'a', left: 'x' }, 'left must be null, or left must be a whole number'],
  ['a value that fits no alternative', { name: 'a', pause: true }, 'pause must be an object, or pause must be false'],
  ['a text against its pattern', { name: 'a', code: 'A' }, 'code is "A", it must be lower-case letters'],
  ['__proto__', JSON.parse('{"name": "a", "notes": {"__proto__": "x"}}'), 'notes may not have the field __proto__'],
])('%s', (_what, value, fault) => {
  expect(faultIn(value, person, 'it')).toBe(fault);
});

test.each<[string, unknown, string | undefined]>([
  ['fields that a newer server adds', { name: 'ann', born: 1_900, friends: [{ name: 'bob', since: 3 }] }, undefined],
  ['a word that a newer server adds', { name: 'ann', rank: 'middle' }, undefined],
  ['a missing field', { age: 3 }, 'the answer lacks name'],
  ['a field of another type', { name: 'ann', friends: [{ name: 4 }] }, 'friends[0].name must be a text'],
])('an answer with %s', (_what, value, fault) => {
  expect(faultInAnswer(value, person, 'the answer')).toBe(fault);
});

test('a value that is nested without end is refused', () => {
  const schema: { type: 'array'; items?: Schema } = { type: 'array' };
  schema.items = schema;
  expect(faultIn(JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`), schema, 'it')).toMatch(/nested too deep$/);
});

test.each<[Schema, string]>([
  [{ type: 'number', minimum: 1 }, '1 or more'],
  [{ type: 'number', maximum: -2 }, '-2 or less'],
  [{ type: 'number', exclusiveMinimum: 0 }, 'more than 0'],
  [{ type: 'number', exclusiveMinimum: 0, maximum: 1 }, 'more than 0 and at most 1'],
  [{ type: 'number', minimum: 0.5, exclusiveMaximum: 1 }, '0.5 and less than 1'],
])('%j is said as %j', (schema, words) => {
  expect(faultIn(-1, { ...schema }, 'n')).toBe(`n is -1, it must be ${words}`);
});

test('the type follows from the schema', () => {
  type Person = Shaped<typeof person>;
  expectTypeOf<Person['name']>().toEqualTypeOf<string>();
  expectTypeOf<Person['age']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Person['rank']>().toEqualTypeOf<'low' | 'high' | undefined>();
  expectTypeOf<NonNullable<Person['friends']>[number]['name']>().toEqualTypeOf<string>();
  expectTypeOf<NonNullable<Person['notes']>>().toEqualTypeOf<Readonly<Record<string, string>>>();
  expectTypeOf<Person['pause']>().toExtend<{ readonly ms: number } | false | undefined>();
});
