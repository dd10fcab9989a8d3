/** Changes of rules as the fields of the editor make them. */

import { describe, expect, test } from 'vitest';
import { attributeOf, conditionOf, evenSplit, missingVariants, movedUp, newRule, testOf, tests, valueTextOf, withValueText } from './change-rules.ts';
import { readTargeting, writeCondition, writeTargeting, type Condition } from './rules.ts';

describe('a condition', () => {
  test.each(tests.map(([id]) => id))('with the test "%s" comes back from its fields', (id) => {
    const text = id.startsWith('version') ? '2.1.0' : id.endsWith('in') ? 'de, at' : 'de';
    const condition = conditionOf('country', id, text);
    expect([attributeOf(condition), testOf(condition), valueTextOf(condition)]).toEqual(['country', id, text]);
  });

  test.each<[string, string, unknown]>([
    ['compare ===', '42', { '===': [{ var: 'x' }, 42] }],
    ['compare ===', '"42"', { '===': [{ var: 'x' }, '42'] }],
    ['not in', '1, de', { '!': [{ in: [{ var: 'x' }, [1, 'de']] }] }],
    ['contains', '42', { in: ['42', { var: 'x' }] }],
    ['version ~', '1.2', { sem_ver: [{ var: 'x' }, '~', '1.2'] }],
  ])('%s %s is written as %j', (id, text, rule) => {
    expect(writeCondition(conditionOf('x', id, text))).toEqual(rule);
  });

  test.each<[Condition, string, Condition | undefined]>([
    [{ kind: 'raw', rule: { '!': [1] } }, '{"!":[2]}', { kind: 'raw', rule: { '!': [2] } }],
    [{ kind: 'raw', rule: { '!': [1] } }, '{', undefined],
    [{ kind: 'shared', evaluator: 'staff' }, 'beta', { kind: 'shared', evaluator: 'beta' }],
  ])('%j with the text %s is %j', (condition, text, wanted) => {
    expect(withValueText(condition, text)).toEqual(wanted);
  });
});

describe('rules', () => {
  test('a split has 100 shares, the first variant the rest', () => {
    expect(evenSplit(['a', 'b', 'c'])).toEqual({ kind: 'split', by: undefined, shares: [{ variant: 'a', weight: 34 }, { variant: 'b', weight: 33 }, { variant: 'c', weight: 33 }] });
  });

  test('move up, except for the first one', () => {
    expect([movedUp([1, 2, 3], 2), movedUp([1, 2, 3], 0)]).toEqual([[1, 3, 2], [1, 2, 3]]);
  });

  test('name variants that the flag does not have', () => {
    const targeting = readTargeting({ if: [{ '===': [{ var: 'a' }, 1] }, 'gone', { fractional: [['on', 1], ['also', 1]] }] });
    expect(missingVariants(targeting, ['on'])).toEqual(['gone', 'also']);
  });

  test('begin with a condition that can be written', () => {
    expect(writeTargeting({ kind: 'rules', rules: [newRule(['on'])], otherwise: undefined })).toEqual({ if: [{ '===': [{ var: 'country' }, ''] }, 'on'] });
  });
});
