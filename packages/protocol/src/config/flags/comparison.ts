/**
 * Comparisons. `===` and `!==` compare as JavaScript does. The others compare two texts as texts, and everything else as numbers;
 * a value that is no number then has no result, and the flag says so, rather than a rule that is silently false.
 */

import { demandOperands, NoResult, type Expression, type LazyOperator } from './expression.ts';
import { numberOf } from './arithmetic.ts';

type Test = (left: string | number | null, right: string | number | null) => boolean;

/** With three operands, as in `{"<": [1, {"var": "x"}, 10]}`, each pair of neighbours must pass. */
function chain(name: string, test: (left: unknown, right: unknown) => boolean): LazyOperator {
  return (operands) => {
    demandOperands(name, operands, 2);
    const [first, second] = operands as readonly [Expression, Expression];
    const [left, right] = [first.run, second.run];
    if (operands.length === 2) return (scope) => test(left(scope), right(scope));
    const others = operands.slice(1).map((operand) => operand.run);
    return (scope) => {
      let before = left(scope);
      for (const run of others) {
        const next = run(scope);
        if (!test(before, next)) return false;
        before = next;
      }
      return true;
    };
  };
}

function loose(name: string, test: Test): LazyOperator {
  return chain(name, (left, right) => (isText(left) && isText(right) ? test(left, right) : test(comparable(left), comparable(right))));
}

/** Null stands for a value that the context does not have; it equals no text. */
function isText(value: unknown): value is string | null {
  return typeof value === 'string' || value === null;
}

function comparable(value: unknown): number {
  const number = numberOf(value);
  if (Number.isNaN(number)) throw new NoResult('the rule compares a number with something that is no number');
  return number;
}

export const comparison: Readonly<Record<string, LazyOperator>> = {
  '===': chain('===', (left, right) => left === right),
  '!==': chain('!==', (left, right) => left !== right),
  '==': loose('==', (left, right) => left === right),
  '!=': loose('!=', (left, right) => left !== right),
  '<': loose('<', (left, right) => sign(left, right) < 0),
  '<=': loose('<=', (left, right) => sign(left, right) <= 0),
  '>': loose('>', (left, right) => sign(left, right) > 0),
  '>=': loose('>=', (left, right) => sign(left, right) >= 0),
};

/** NaN when there is no order: a missing value counts as 0, and so has none with a text that is no number. */
function sign(left: string | number | null, right: string | number | null): number {
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : Number(left > right);
  return Number(left) - Number(right);
}
