/** Changes of rules as the fields of the editor make them. Pure. */

import { comparisons, versionTests, type Condition, type Json, type Outcome, type Rule, type Targeting } from './rules.ts';
import { comparisonNames, versionTestNames } from './rule-text.ts';
import { listOf, textOfList, textOfValue, valueOf } from './values.ts';

/** The tests of an attribute that a condition may be, with their names. */
export const tests: readonly (readonly [string, string])[] = [
  ...comparisons.map((test) => [`compare ${test}`, comparisonNames[test]] as const),
  ['in', 'is one of'],
  ['not in', 'is none of'],
  ['contains', 'contains'],
  ...versionTests.map((test) => [`version ${test}`, versionTestNames[test]] as const),
];

export const newCondition: Condition = { kind: 'compare', attribute: 'country', test: '===', value: '' };

/** @returns empty for a condition that is no test of an attribute */
export function testOf(condition: Condition): string {
  switch (condition.kind) {
    case 'compare':
    case 'version':
      return `${condition.kind} ${condition.test}`;
    case 'in':
      return condition.isNot ? 'not in' : 'in';
    case 'contains':
      return 'contains';
    case 'shared':
    case 'raw':
      return '';
  }
}

export function valueTextOf(condition: Condition): string {
  switch (condition.kind) {
    case 'compare':
      return textOfValue(condition.value);
    case 'in':
      return textOfList(condition.values);
    case 'contains':
      return condition.part;
    case 'version':
      return condition.version;
    case 'shared':
      return condition.evaluator;
    case 'raw':
      return JSON.stringify(condition.rule);
  }
}

export function attributeOf(condition: Condition): string {
  return 'attribute' in condition ? condition.attribute : '';
}

/** @param test one of `tests` */
export function conditionOf(attribute: string, test: string, text: string): Condition {
  const [kind = '', name = ''] = test.split(' ');
  const comparison = comparisons.find((each) => each === name);
  if (kind === 'compare' && comparison !== undefined) return { kind, attribute, test: comparison, value: valueOf(text) };
  const versionTest = versionTests.find((each) => each === name);
  if (kind === 'version' && versionTest !== undefined) return { kind, attribute, test: versionTest, version: text };
  if (kind === 'contains') return { kind, attribute, part: text };
  return { kind: 'in', attribute, isNot: test === 'not in', values: listOf(text) };
}

/** The condition with another text for its value; JSON for one that the editor does not know. @returns undefined for a text that is no JSON then */
export function withValueText(condition: Condition, text: string): Condition | undefined {
  if (condition.kind === 'shared') return { kind: 'shared', evaluator: text };
  if (condition.kind !== 'raw') return conditionOf(condition.attribute, testOf(condition), text);
  const rule = jsonIn(text);
  return rule === undefined ? undefined : { kind: 'raw', rule };
}

/** @returns undefined for a text that is no JSON */
export function jsonIn(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A share for each variant, the same for all. */
export function evenSplit(variants: readonly string[]): Outcome {
  const each = Math.floor(100 / Math.max(1, variants.length));
  return { kind: 'split', by: undefined, shares: variants.map((variant, at) => ({ variant, weight: at === 0 ? 100 - each * (variants.length - 1) : each })) };
}

export function replaced<T>(list: readonly T[], at: number, value: T): readonly T[] {
  return list.map((each, index) => (index === at ? value : each));
}

export function removed<T>(list: readonly T[], at: number): readonly T[] {
  return list.filter((_each, index) => index !== at);
}

/** The rule goes before the one above it. */
export function movedUp<T>(list: readonly T[], at: number): readonly T[] {
  const [above, own] = [list[at - 1], list[at]];
  return above === undefined || own === undefined ? list : [...list.slice(0, at - 1), own, above, ...list.slice(at + 1)];
}

export function newRule(variants: readonly string[]): Rule {
  return { match: 'all', conditions: [newCondition], gives: { kind: 'variant', variant: variants[0] ?? '' } };
}

/** Variants that rules give and the flag does not have. */
export function missingVariants(targeting: Targeting, variants: readonly string[]): readonly string[] {
  if (targeting.kind === 'raw') return [];
  const given = [...targeting.rules.map(({ gives }) => gives), ...(targeting.otherwise === undefined ? [] : [targeting.otherwise])].flatMap((outcome) =>
    outcome.kind === 'variant' ? [outcome.variant] : outcome.kind === 'split' ? outcome.shares.map(({ variant }) => variant) : [],
  );
  return [...new Set(given)].filter((variant) => !variants.includes(variant));
}
