/** Numbers: `+ - * / % min max`. Texts that are numbers count as such; a result that is no number is no result. */

import { NoResult, type Operator } from './expression.ts';

/** @returns NaN for a text that is no number. @throws NoResult for a list or an object */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'object' && value !== null) throw new NoResult('the rule calculates with a list or an object');
  return Number(value);
}

function joining(join: (left: number, right: number) => number, start: (first: number) => number): Operator {
  return {
    call(values) {
      const [first, ...others] = values.map(numberOf);
      if (first === undefined) throw new NoResult('the rule calculates with nothing');
      return result(others.length === 0 ? start(first) : others.reduce(join, first));
    },
  };
}

function result(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new NoResult('the rule calculates something that is no number');
}

function extreme(choose: (...values: number[]) => number): Operator {
  return {
    call(values) {
      if (values.length === 0 || !values.every((value) => typeof value === 'number')) throw new NoResult('min and max need numbers');
      return result(values.reduce((chosen, value) => choose(chosen, value)));
    },
  };
}

const modulo = (left: number, right: number) => left % right;

export const arithmetic: Readonly<Record<string, Operator>> = {
  '+': { call: (values) => result(values.reduce<number>((sum, value) => sum + numberOf(value), 0)) },
  '*': { call: (values) => result(values.reduce<number>((product, value) => product * numberOf(value), 1)) },
  '-': joining((left, right) => left - right, (only) => 0 - only),
  '/': joining((left, right) => left / right, (only) => 1 / only),
  '%': joining(modulo, () => Number.NaN),
  min: extreme(Math.min),
  max: extreme(Math.max),
};
