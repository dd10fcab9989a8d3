/**
 * `fractional`: divides units among buckets by weight. The unit is the first operand if that is a text, else the key of the flag
 * and the targeting key. Each bucket is a list of a result and, perhaps, a weight (1 without one). Null when the division is
 * not valid, so that the flag's default variant applies.
 *
 * Source: flagd.dev/reference/custom-operations/fractional-operation; open-feature/flagd, core/pkg/evaluator/fractional.go.
 */

import { bucketOf, totalWeightMax } from '../bucket.ts';
import type { Operator, Scope } from './expression.ts';

interface Division {
  readonly results: readonly unknown[];
  /** Where each bucket ends. */
  readonly ends: readonly number[];
  readonly total: number;
}

export const fractional: Operator = {
  call(values, scope) {
    const [first] = values;
    if (typeof first === 'string') return choose(first, divisionOf(values.slice(1)), scope);
    return choose(unitOf(scope), divisionOf(values), scope);
  },
  /** Buckets that the rule spells out are checked and added up once. */
  compile([first, ...others]) {
    if (first === undefined || !others.every((operand) => operand.constant !== undefined)) return undefined;
    const buckets = others.map((operand) => operand.constant?.value);
    if (first.constant !== undefined && typeof first.constant.value !== 'string') {
      const division = divisionOf([first.constant.value, ...buckets]);
      return (scope) => choose(unitOf(scope), division, scope);
    }
    const division = divisionOf(buckets);
    return (scope) => {
      const unit = first.run(scope);
      return typeof unit === 'string' ? choose(unit, division, scope) : choose(unitOf(scope), divisionOf([unit, ...buckets]), scope);
    };
  },
};

/** The data of an item in a list has no targeting key. */
function unitOf({ data, context, flagKey }: Scope): string | undefined {
  const { targetingKey } = context as { targetingKey?: unknown };
  if (data !== context || (typeof targetingKey !== 'string' && typeof targetingKey !== 'number') || targetingKey === '') return undefined;
  return `${flagKey}${targetingKey}`;
}

function choose(unit: string | undefined, division: Division | undefined, scope: Scope): unknown {
  if (unit === undefined || division === undefined) return null;
  const bucket = bucketOf(unit, division.total);
  const at = division.ends.findIndex((end) => bucket < end);
  scope.split = { unit, bucket, total: division.total };
  return division.results[at];
}

function divisionOf(buckets: readonly unknown[]): Division | undefined {
  const results: unknown[] = [];
  const ends: number[] = [];
  let total = 0;
  for (const bucket of buckets) {
    if (!Array.isArray(bucket) || bucket.length === 0 || bucket.length > 2) return undefined;
    const [result, weight = 1] = bucket as readonly unknown[];
    if (typeof result === 'object' && result !== null) return undefined;
    if (typeof weight !== 'number' || !Number.isInteger(weight)) return undefined;
    // A weight that a rule calculates may have become negative: it stands for none.
    total += Math.max(0, weight);
    results.push(result ?? null);
    ends.push(total);
  }
  return total === 0 || total > totalWeightMax ? undefined : { results, ends, total };
}
