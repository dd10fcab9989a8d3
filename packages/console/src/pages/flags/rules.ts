/**
 * The rules of a flag as an operator edits them: conditions on attributes, each with the variant that they lead to. They are read from JSONLogic and
 * written as JSONLogic. A part that has no such form is kept as it is, so that writing what was read gives the same JSON again.
 *
 *   {"if": [{"in": [{"var": "country"}, ["de", "at"]]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}
 *            └────────── conditions ─────────────────┘  then  └──────────── otherwise ──────────────┘
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Comparisons of an attribute with a value, by their operator. */
export const comparisons = ['===', '!==', '==', '!=', '<', '<=', '>', '>=', 'starts_with', 'ends_with'] as const;
export const versionTests = ['=', '!=', '<', '<=', '>', '>=', '^', '~'] as const;

export type Condition =
  | { readonly kind: 'compare'; readonly attribute: string; readonly test: (typeof comparisons)[number]; readonly value: Json }
  | { readonly kind: 'in'; readonly attribute: string; readonly isNot: boolean; readonly values: readonly Json[] }
  | { readonly kind: 'contains'; readonly attribute: string; readonly part: string }
  | { readonly kind: 'version'; readonly attribute: string; readonly test: (typeof versionTests)[number]; readonly version: string }
  | { readonly kind: 'shared'; readonly evaluator: string }
  | { readonly kind: 'raw'; readonly rule: Json };

export interface Share {
  readonly variant: string;
  readonly weight: number;
}

export type Outcome =
  | { readonly kind: 'variant'; readonly variant: string }
  /** @property by an attribute; without one, the targeting key and the key of the flag. Salted: with the key of the flag, so that flags divide users differently */
  | { readonly kind: 'split'; readonly by: { readonly attribute: string; readonly isSalted: boolean } | undefined; readonly shares: readonly Share[] }
  /** The default variant, as `null`. */
  | { readonly kind: 'default' }
  | { readonly kind: 'raw'; readonly rule: Json };

export interface Rule {
  /** Whether all conditions must hold, or one of them. */
  readonly match: 'all' | 'any';
  readonly conditions: readonly Condition[];
  readonly gives: Outcome;
}

export type Targeting =
  | { readonly kind: 'rules'; readonly rules: readonly Rule[]; /** Undefined: the default variant. */ readonly otherwise: Outcome | undefined }
  | { readonly kind: 'raw'; readonly rule: Json };

export const noRules: Targeting = { kind: 'rules', rules: [], otherwise: undefined };

/** @param targeting of a flag; undefined: it has none */
export function readTargeting(targeting: Json | undefined): Targeting {
  if (targeting === undefined || targeting === null || (isObject(targeting) && Object.keys(targeting).length === 0)) return noRules;
  const read = rulesIn(targeting);
  return same(writeTargeting(read) ?? null, targeting) ? read : { kind: 'raw', rule: targeting };
}

function rulesIn(targeting: Json): Targeting {
  const operands = operandsOf(targeting, 'if');
  if (operands === undefined) return { kind: 'rules', rules: [], otherwise: outcomeIn(targeting) };
  const rules: Rule[] = [];
  for (let at = 0; at + 1 < operands.length; at += 2) rules.push(ruleIn(operands[at] as Json, operands[at + 1] as Json));
  return { kind: 'rules', rules, otherwise: operands.length % 2 === 1 ? outcomeIn(operands.at(-1) as Json) : undefined };
}

function ruleIn(condition: Json, then: Json): Rule {
  for (const [operator, match] of [['and', 'all'], ['or', 'any']] as const) {
    const operands = operandsOf(condition, operator);
    if (operands !== undefined && operands.length > 1) return { match, conditions: operands.map(conditionIn), gives: outcomeIn(then) };
  }
  return { match: 'all', conditions: [conditionIn(condition)], gives: outcomeIn(then) };
}

function conditionIn(rule: Json): Condition {
  const read = knownCondition(rule);
  return read !== undefined && same(writeCondition(read), rule) ? read : { kind: 'raw', rule };
}

function knownCondition(rule: Json): Condition | undefined {
  const [operator, operand] = operationOf(rule);
  if (operator === '$ref' && typeof operand === 'string') return { kind: 'shared', evaluator: operand };
  if (operator === '!') {
    const inner = Array.isArray(operand) && operand.length === 1 ? knownCondition((operand as readonly Json[])[0] as Json) : undefined;
    return inner?.kind === 'in' ? { ...inner, isNot: true } : undefined;
  }
  if (!Array.isArray(operand)) return undefined;
  const [first = null, second = null, third = null] = operand as readonly Json[];
  if (operator === 'in' && typeof first === 'string') {
    const attribute = attributeIn(second);
    return attribute === undefined ? undefined : { kind: 'contains', attribute, part: first };
  }
  const attribute = attributeIn(first);
  if (attribute === undefined) return undefined;
  if (operator === 'in') return Array.isArray(second) ? { kind: 'in', attribute, isNot: false, values: second as readonly Json[] } : undefined;
  if (operator === 'sem_ver') return isOneOf(versionTests, second) && typeof third === 'string' ? { kind: 'version', attribute, test: second, version: third } : undefined;
  return isOneOf(comparisons, operator) && !isObject(second) && !Array.isArray(second) ? { kind: 'compare', attribute, test: operator, value: second } : undefined;
}

function outcomeIn(rule: Json): Outcome {
  const read = knownOutcome(rule);
  return read !== undefined && same(writeOutcome(read), rule) ? read : { kind: 'raw', rule };
}

function knownOutcome(rule: Json): Outcome | undefined {
  if (rule === null) return { kind: 'default' };
  if (typeof rule === 'string') return { kind: 'variant', variant: rule };
  const operands = operandsOf(rule, 'fractional');
  if (operands === undefined) return undefined;
  const [first = null] = operands;
  const by = unitIn(first);
  const buckets = by === undefined ? operands : operands.slice(1);
  const shares: Share[] = [];
  for (const bucket of buckets) {
    const [variant, weight] = Array.isArray(bucket) ? (bucket as readonly Json[]) : [];
    if (typeof variant !== 'string' || typeof weight !== 'number') return undefined;
    shares.push({ variant, weight });
  }
  return { kind: 'split', by, shares };
}

function unitIn(rule: Json): { readonly attribute: string; readonly isSalted: boolean } | undefined {
  const plain = attributeIn(rule);
  if (plain !== undefined) return { attribute: plain, isSalted: false };
  const [flag = null, attribute = null, ...more] = operandsOf(rule, 'cat') ?? [];
  const salted = more.length === 0 && attributeIn(flag) === flagKey ? attributeIn(attribute) : undefined;
  return salted === undefined ? undefined : { attribute: salted, isSalted: true };
}

const flagKey = '$flagd.flagKey';

/** @returns undefined: the flag has no targeting */
export function writeTargeting(targeting: Targeting): Json | undefined {
  if (targeting.kind === 'raw') return targeting.rule;
  const { rules, otherwise } = targeting;
  if (rules.length === 0) return otherwise === undefined ? undefined : writeOutcome(otherwise);
  return { if: [...rules.flatMap((rule) => [writeConditions(rule), writeOutcome(rule.gives)]), ...(otherwise === undefined ? [] : [writeOutcome(otherwise)])] };
}

function writeConditions({ match, conditions }: Rule): Json {
  const [first] = conditions;
  if (first !== undefined && conditions.length === 1) return writeCondition(first);
  return { [match === 'all' ? 'and' : 'or']: conditions.map(writeCondition) };
}

export function writeCondition(condition: Condition): Json {
  switch (condition.kind) {
    case 'compare':
      return { [condition.test]: [{ var: condition.attribute }, condition.value] };
    case 'in': {
      const rule: Json = { in: [{ var: condition.attribute }, condition.values] };
      return condition.isNot ? { '!': [rule] } : rule;
    }
    case 'contains':
      return { in: [condition.part, { var: condition.attribute }] };
    case 'version':
      return { sem_ver: [{ var: condition.attribute }, condition.test, condition.version] };
    case 'shared':
      return { $ref: condition.evaluator };
    case 'raw':
      return condition.rule;
  }
}

export function writeOutcome(outcome: Outcome): Json {
  switch (outcome.kind) {
    case 'variant':
      return outcome.variant;
    case 'default':
      return null;
    case 'split': {
      const { by, shares } = outcome;
      const unit: Json[] = by === undefined ? [] : [by.isSalted ? { cat: [{ var: flagKey }, { var: by.attribute }] } : { var: by.attribute }];
      return { fractional: [...unit, ...shares.map(({ variant, weight }) => [variant, weight])] };
    }
    case 'raw':
      return outcome.rule;
  }
}

function attributeIn(rule: Json): string | undefined {
  const [operator, operand] = operationOf(rule);
  return operator === 'var' && typeof operand === 'string' ? operand : undefined;
}

function operandsOf(rule: Json, wanted: string): readonly Json[] | undefined {
  const [operator, operand] = operationOf(rule);
  return operator === wanted && Array.isArray(operand) ? (operand as readonly Json[]) : undefined;
}

function operationOf(rule: Json): readonly [string | undefined, Json] {
  const entries = isObject(rule) ? Object.entries(rule) : [];
  return entries.length === 1 ? (entries[0] as [string, Json]) : [undefined, null];
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOneOf<T extends string>(list: readonly T[], value: unknown): value is T {
  return (list as readonly unknown[]).includes(value);
}

/** Both come from JSON and were built in the same order of fields, so their texts are the same if they are. */
function same(left: Json, right: Json): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
