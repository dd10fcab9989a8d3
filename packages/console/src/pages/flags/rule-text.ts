/** Rules of a flag in words, for lists and for the playground. */

import type { RulePath } from '@rollcall/protocol';
import type { Condition, Json, Outcome, Rule, Targeting } from './rules.ts';
import { textOfList, textOfValue } from './values.ts';

export const comparisonNames = {
  '===': 'is', '!==': 'is not', '==': 'equals', '!=': 'does not equal', '<': 'is less than', '<=': 'is at most', '>': 'is more than', '>=': 'is at least', 'starts_with': 'starts with', 'ends_with': 'ends with',
} as const;

export const versionTestNames = {
  '=': 'is version', '!=': 'is not version', '<': 'is below version', '<=': 'is at most version', '>': 'is above version', '>=': 'is at least version', '^': 'has the major number of version', '~': 'has the major and minor number of version',
} as const;

const textMax = 160;

export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'compare':
      return `${condition.attribute} ${comparisonNames[condition.test]} ${textOfValue(condition.value)}`;
    case 'in':
      return `${condition.attribute} is ${condition.isNot ? 'none' : 'one'} of ${textOfList(condition.values)}`;
    case 'contains':
      return `${condition.attribute} contains ${condition.part}`;
    case 'version':
      return `${condition.attribute} ${versionTestNames[condition.test]} ${condition.version}`;
    case 'shared':
      return `the shared rule ${condition.evaluator} holds`;
    case 'raw':
      return cut(condition.rule);
  }
}

export function outcomeText(outcome: Outcome | undefined, defaultVariant: string | undefined): string {
  if (outcome === undefined || outcome.kind === 'default') return defaultVariant === undefined ? 'the default of the code' : `the default, ${defaultVariant}`;
  if (outcome.kind === 'variant') return outcome.variant;
  if (outcome.kind === 'raw') return cut(outcome.rule);
  const total = outcome.shares.reduce((sum, { weight }) => sum + weight, 0);
  const shares = outcome.shares.map(({ variant, weight }) => `${percent(weight, total)} ${variant}`).join(', ');
  return `${shares} by ${outcome.by?.attribute ?? 'targeting key'}`;
}

export function percent(part: number, total: number): string {
  return total === 0 ? '0 %' : `${Math.round((part / total) * 1_000) / 10} %`;
}

export function ruleText({ match, conditions, gives }: Rule, defaultVariant: string | undefined): string {
  return `${conditions.map(conditionText).join(match === 'all' ? ' and ' : ' or ')} → ${outcomeText(gives, defaultVariant)}`;
}

/** One line for a list. */
export function targetingText(targeting: Targeting, defaultVariant: string | undefined): string {
  if (targeting.kind === 'raw') return cut(targeting.rule);
  const { rules, otherwise } = targeting;
  if (rules.length === 0) return outcomeText(otherwise, defaultVariant);
  return `${rules.length === 1 ? '1 rule' : `${rules.length} rules`}, else ${outcomeText(otherwise, defaultVariant)}`;
}

/** Where the operands of a rule's conditions stand in the JSON. @param at number of the rule @param condition number of the condition in it */
export function conditionPath({ conditions, match }: Rule, at: number, condition: number): RulePath {
  return conditions.length === 1 ? ['if', 2 * at] : ['if', 2 * at, match === 'all' ? 'and' : 'or', condition];
}

/** Where a condition reads its attribute; undefined: it reads none, or several. */
export function attributePath(condition: Condition, path: RulePath): RulePath | undefined {
  switch (condition.kind) {
    case 'compare':
      return [...path, condition.test, 0];
    case 'in':
      return condition.isNot ? [...path, '!', 0, 'in', 0] : [...path, 'in', 0];
    case 'contains':
      return [...path, 'in', 1];
    case 'version':
      return [...path, 'sem_ver', 0];
    case 'shared':
    case 'raw':
      return undefined;
  }
}

/** The part of a flag's JSON at a path of a trace. */
export function partAt(targeting: Json | undefined, evaluators: Json | undefined, path: RulePath): Json | undefined {
  const [first, ...rest] = path;
  const isShared = first === '$evaluators';
  let part: unknown = isShared ? evaluators : targeting;
  for (const name of isShared ? rest : path) part = typeof part === 'object' && part !== null ? (part as Readonly<Record<string | number, unknown>>)[name] : undefined;
  return part as Json | undefined;
}

export function cut(json: Json | undefined): string {
  const text = JSON.stringify(json) ?? '';
  return text.length > textMax ? `${text.slice(0, textMax)} …` : text;
}
