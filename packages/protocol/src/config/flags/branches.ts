/** Truth: `if`, `and`, `or`, which evaluate only the operands that they need, and `!`, `!!`. */

import { isTrue, type Expression, type LazyOperator, type Operator, type Run } from './expression.ts';

/** Pairs of condition and result, and perhaps a last result; null when no condition holds and there is none. */
const choose: LazyOperator = (operands) => {
  let otherwise: Run = operands.length % 2 === 1 ? (operands.at(-1) as Expression).run : () => null;
  for (let at = operands.length - (operands.length % 2) - 2; at >= 0; at -= 2) {
    otherwise = choice((operands[at] as Expression).run, (operands[at + 1] as Expression).run, otherwise);
  }
  return otherwise;
};

function choice(condition: Run, then: Run, otherwise: Run): Run {
  return (scope) => (isTrue(condition(scope)) ? then(scope) : otherwise(scope));
}

/** The first operand whose truth is `wanted`, or the last; null without operands. */
function firstThatIs(wanted: boolean): LazyOperator {
  return (operands) => {
    const runs = operands.map((operand) => operand.run);
    return (scope) => {
      let value: unknown = null;
      for (const run of runs) {
        value = run(scope);
        if (isTrue(value) === wanted) return value;
      }
      return value;
    };
  };
}

export const branches: Readonly<Record<string, LazyOperator>> = {
  if: choose,
  '?:': choose,
  and: firstThatIs(false),
  or: firstThatIs(true),
};

function truthIs(wanted: boolean): Operator {
  return {
    call: ([value]) => isTrue(value) === wanted,
    compile([operand]) {
      const run = operand?.run;
      return run && ((scope) => isTrue(run(scope)) === wanted);
    },
  };
}

export const negations: Readonly<Record<string, Operator>> = { '!': truthIs(false), '!!': truthIs(true) };
