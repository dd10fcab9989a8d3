/**
 * Lists: `merge`, and the operators that evaluate a rule for each item, with the item in place of the data. The items that one
 * evaluation looks at are limited, so that lists within lists cannot hold up the program.
 */

import { demandOperands, isTrue, NoResult, takeSteps, type Expression, type LazyOperator, type Operator, type Run, type Scope } from './expression.ts';

export const lists: Readonly<Record<string, Operator>> = {
  merge: {
    call(values, scope) {
      const merged: unknown[] = [];
      for (const value of values) {
        const items: readonly unknown[] = Array.isArray(value) ? value : [value];
        takeSteps(scope, items.length);
        for (const item of items) merged.push(item);
      }
      return merged;
    },
  },
};

/** @param work gets the items, and evaluates the rule for one of them */
function byItem(name: string, work: (items: readonly unknown[], resultFor: (item: unknown) => unknown) => unknown): LazyOperator {
  return (operands) => {
    demandOperands(name, operands, 2);
    const [list, rule] = operands as readonly [Expression, Expression];
    return (scope) => {
      const items = itemsOf(list.run, scope);
      const outer = scope.data;
      const result = work(items, (item) => {
        takeSteps(scope, 1);
        scope.data = item;
        return rule.run(scope);
      });
      scope.data = outer;
      return result;
    };
  };
}

function itemsOf(list: Run, scope: Scope): readonly unknown[] {
  const items = list(scope);
  if (Array.isArray(items)) return items;
  if (!isTrue(items)) return [];
  throw new NoResult('the rule goes through something that is no list');
}

const reduce: LazyOperator = (operands) => {
  demandOperands('reduce', operands, 2);
  const [list, rule, start] = operands as readonly [Expression, Expression, Expression | undefined];
  return (scope) => {
    const items = itemsOf(list.run, scope);
    const first = start?.run(scope);
    const outer = scope.data;
    const next = (accumulator: unknown, current: unknown): unknown => {
      takeSteps(scope, 1);
      scope.data = { accumulator, current };
      return rule.run(scope);
    };
    if (start === undefined && items.length === 0) throw new NoResult('reduce has neither items nor a first value');
    const result = start === undefined ? items.slice(1).reduce(next, items[0]) : items.reduce(next, first);
    scope.data = outer;
    return result;
  };
};

export const listsByItem: Readonly<Record<string, LazyOperator>> = {
  map: byItem('map', (items, resultFor) => items.map((item) => resultFor(item))),
  filter: byItem('filter', (items, resultFor) => items.filter((item) => isTrue(resultFor(item)))),
  /** False for no items, as in JSONLogic. */
  all: byItem('all', (items, resultFor) => items.length > 0 && items.every((item) => isTrue(resultFor(item)))),
  some: byItem('some', (items, resultFor) => items.some((item) => isTrue(resultFor(item)))),
  none: byItem('none', (items, resultFor) => !items.some((item) => isTrue(resultFor(item)))),
  reduce,
};
