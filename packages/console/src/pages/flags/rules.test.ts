/** The rule builder writes what it has read, and understands the common rules. */

import { parseFlags } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import { readFlags, withFields, withFlag } from './definition.ts';
import { readTargeting, writeTargeting, type Json } from './rules.ts';
import { attributesIn, listOf, textOfList, textOfValue, valueOf } from './values.ts';

const known: readonly [string, Json][] = [
  ['equals', { if: [{ '===': [{ var: 'tier' }, 'gold'] }, 'on'] }],
  ['is none of', { if: [{ '!': [{ in: [{ var: 'country' }, ['de', 'at']] }] }, 'on', 'off'] }],
  ['starts with', { if: [{ starts_with: [{ var: 'email' }, 'a'] }, 'on', null] }],
  ['contains', { if: [{ in: ['@example.org', { var: 'email' }] }, 'on'] }],
  ['semver', { if: [{ sem_ver: [{ var: 'version' }, '^', '2.1.0'] }, 'on'] }],
  ['several conditions, and a shared one', { if: [{ and: [{ $ref: 'staff' }, { '>=': [{ var: 'age' }, 18] }] }, 'on', { or: [{ '!=': [{ var: 'a' }, 1] }, { '<': [{ var: 'b' }, 2] }] }, 'off'] }],
  ['percent by targeting key', { fractional: [['on', 10], ['off', 90]] }],
  ['percent by an attribute', { if: [{ ends_with: [{ var: 'email' }, 'z'] }, { fractional: [{ cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] }, ['on', 50], ['off', 50]] }, { fractional: [{ var: 'team' }, ['on', 1]] }] }],
  ['a variant for all', 'on'],
];

/** Rules that the builder does not understand, in whole or in part. */
const foreign: readonly [string, Json][] = [
  ['a var with a default', { if: [{ '===': [{ var: ['tier', 'none'] }, 'gold'] }, 'on'] }],
  ['a comparison of three', { if: [{ '<': [1, { var: 'x' }, 10] }, 'on'] }],
  ['arithmetic', { if: [{ '===': [{ '%': [{ var: 'id' }, 2] }, 0] }, 'on'] }],
  ['weights that are calculated', { fractional: [['on', { var: 'weight' }], ['off', 50]] }],
  ['a bucket without a weight', { fractional: [['on'], ['off']] }],
  ['an and of one', { if: [{ and: [{ '===': [{ var: 'a' }, 1] }] }, 'on'] }],
  ['an empty if', { if: [] }],
  ['an if that is no list', { if: { var: 'x' } }],
  ['two operators', { if: [{ '===': [{ var: 'a' }, 1], '==': [{ var: 'a' }, 1] }, 'on'] }],
  ['an if inside of an if', { if: [{ var: 'a' }, 'on', { if: [{ var: 'b' }, 'on'] }] }],
  ['a not of two', { if: [{ '!': [{ in: [{ var: 'a' }, []] }, 1] }, 'on'] }],
  ['a text with a value besides', { if: [{ sem_ver: [{ var: 'v' }, '=', '1.0.0', 'more'] }, true] }],
];

const hasRaw = (value: unknown): boolean => JSON.stringify(value).includes('"kind":"raw"');

describe('the rule builder', () => {
  test.each(known)('understands: %s', (_title, targeting) => {
    const read = readTargeting(targeting);
    expect(hasRaw(read)).toBe(false);
    expect(writeTargeting(read)).toEqual(targeting);
  });

  test.each(foreign)('keeps as it is: %s', (_title, targeting) => {
    const read = readTargeting(targeting);
    expect(hasRaw(read)).toBe(true);
    expect(writeTargeting(read)).toEqual(targeting);
  });

  test.each([[undefined], [null], [{}]])('reads %j as no rules', (targeting) => {
    expect(writeTargeting(readTargeting(targeting as Json | undefined))).toBeUndefined();
  });
});

describe('a change of one flag', () => {
  const content = `{\n    "metadata": {"team": "shop"},\n    "flags": {\n        "a": {"state": "ENABLED", "metadata": {"x": 1}, "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": {}},\n        "b": {"state": "DISABLED", "variants": {"on": 1}}\n    },\n    "other": [1]\n}\n`;

  test('keeps all other fields, flags and the indentation', () => {
    const read = readFlags(content);
    const flag = read.ok ? read.flags[0] : undefined;
    const changed = withFlag(content, 'a', withFields(flag?.whole ?? null, { state: 'DISABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: undefined }));
    const wanted = JSON.parse(content) as { flags: { a: { state: string } } };
    wanted.flags.a.state = 'DISABLED';
    expect(changed).toBe(`${JSON.stringify(wanted, undefined, 4)}\n`);
    expect(parseFlags(changed).ok).toBe(true);
  });

  test('removes a default variant and a targeting', () => {
    const whole = { state: 'ENABLED', variants: { on: 1 }, defaultVariant: 'on', targeting: 'on' };
    expect(withFields(whole, { state: 'ENABLED', variants: { on: 1 }, defaultVariant: undefined, targeting: undefined })).toEqual({ state: 'ENABLED', variants: { on: 1 } });
  });

  test('removes a flag', () => {
    expect(readFlags(withFlag(content, 'a', undefined))).toMatchObject({ ok: true, flags: [{ key: 'b' }] });
  });
});

describe('a value', () => {
  test.each<[string, Json]>([
    ['de', 'de'],
    ['42', 42],
    ['"42"', '42'],
    ['true', true],
    ['null', null],
    ['[1,2]', [1, 2]],
  ])('that is typed as %s is %j, and is shown so', (text, value) => {
    expect(valueOf(text)).toEqual(value);
    expect(textOfValue(value)).toBe(text);
  });

  test.each<[string, readonly Json[]]>([
    ['de, at', ['de', 'at']],
    ['1, "2"', [1, '2']],
    ['["a,b"]', ['a,b']],
    ['[" a"]', [' a']],
  ])('list that is typed as %s is %j, and is shown so', (text, values) => {
    expect(listOf(text)).toEqual(values);
    expect(textOfList(values)).toBe(text);
  });

  test('stands on a line with its attribute', () => {
    expect(attributesIn('country=de\nage = 42\n\nurl=a=b\nnothing')).toEqual({ attributes: { country: 'de', age: 42, url: 'a=b' }, wrong: ['nothing'] });
  });
});
