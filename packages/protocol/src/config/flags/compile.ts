/**
 * Compiles a rule, in JSON, to closures: an object with one key is an operator and its operands, everything else is a value. A
 * rule is checked as far as it can be without data: unknown operators, operands of the wrong number, cycles of shared
 * evaluators, and its size.
 *
 * Sources: jsonlogic.com/operations.html; flagd.dev/reference/custom-operations; flagd.dev/reference/flag-definitions.
 */

import { arithmetic } from './arithmetic.ts';
import { branches, negations } from './branches.ts';
import { comparison } from './comparison.ts';
import { flagLimits, InvalidRule, type Expression, type LazyOperator, type Operator, type Run } from './expression.ts';
import { fractional } from './fractional.ts';
import { lists, listsByItem } from './lists.ts';
import { semVer } from './sem-ver.ts';
import { texts } from './texts.ts';
import { presence, variable } from './variables.ts';

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ...Object.entries({ ...arithmetic, ...lists, ...texts, ...presence, ...negations }),
  ['fractional', fractional],
  ['sem_ver', semVer],
]);

const lazyOperators: ReadonlyMap<string, LazyOperator> = new Map(Object.entries({ ...branches, ...comparison, ...listsByItem }));

/** Where an expression stands in the JSON of its rule: `['if', 0]`; below `['$evaluators', NAME]` for a shared one. */
export type RulePath = readonly (string | number)[];

/** Wraps an expression of a rule, so that its results can be seen. */
export type Watch = (watched: { readonly path: RulePath; readonly rule: unknown }, run: Run) => Run;

interface Place {
  readonly depth: number;
  /** Kept only for a watch. */
  readonly path: RulePath;
}

/** Compiles the rules of one set of flags; evaluators that they share are compiled once. */
export class Compiler {
  readonly #evaluators: ReadonlyMap<string, unknown>;
  readonly #watch: Watch | undefined;
  readonly #compiled = new Map<string, Expression | 'under way'>();
  #nodes = 0;

  /**
   * @param evaluators the `$evaluators` of the set, by name
   * @param watch wraps each expression; without it, closures are those of the rule alone
   */
  constructor(evaluators: ReadonlyMap<string, unknown>, watch?: Watch) {
    this.#evaluators = evaluators;
    this.#watch = watch;
  }

  /** @throws InvalidRule */
  compile(rule: unknown): Run {
    this.#nodes = 0;
    return this.#expression(rule, { depth: 1, path: [] }).run;
  }

  #expression(rule: unknown, at: Place): Expression {
    const expression = this.#plain(rule, at);
    return this.#watch === undefined ? expression : { ...expression, run: this.#watch({ path: at.path, rule }, expression.run) };
  }

  #below({ depth, path }: Place, ...names: readonly (string | number)[]): Place {
    return { depth: depth + 1, path: this.#watch === undefined ? path : [...path, ...names] };
  }

  #plain(rule: unknown, place: Place): Expression {
    const { depth } = place;
    if (++this.#nodes > flagLimits.nodesMax) throw new InvalidRule(`the rule has more than ${flagLimits.nodesMax} parts`);
    if (depth > flagLimits.depthMax) throw tooDeep();
    if (typeof rule !== 'object' || rule === null) return constant(rule);
    if (Array.isArray(rule)) return listOf(rule.map((item, at) => this.#expression(item, this.#below(place, at))));
    const [name, ...others] = Object.keys(rule);
    if (name === undefined) return constant(rule);
    if (others.length > 0) throw new InvalidRule(`an operator stands alone in its object, but ${shown(name)} is beside ${shown(others[0])}`);
    return checked(this.#operation(name, (rule as Record<string, unknown>)[name], place));
  }

  #operation(name: string, operand: unknown, place: Place): Expression {
    if (name === '$ref') return this.#evaluator(operand, place);
    if (name === 'var') return this.#variable(operand, place);
    const lazy = lazyOperators.get(name);
    if (lazy !== undefined) {
      if (!Array.isArray(operand)) throw new InvalidRule(`${shown(name)} must have a list of operands`);
      const operands = operand.map((each, at) => this.#expression(each, this.#below(place, name, at)));
      return { run: lazy(operands), depth: deepest(operands) + 1 };
    }
    const operator = operators.get(name);
    if (operator === undefined) throw new InvalidRule(`there is no operator ${shown(name)}`);
    if (isOperation(operand)) {
      const list = this.#expression(operand, this.#below(place, name));
      const run: Run = (scope) => {
        const result = list.run(scope);
        return operator.call(Array.isArray(result) ? (result as unknown[]) : [result], scope);
      };
      return { run, depth: list.depth + 1 };
    }
    const operands = this.#operands(name, operand, place);
    return { run: operator.compile?.(operands) ?? calling(operator, operands), depth: deepest(operands) + 1 };
  }

  #operands(name: string, operand: unknown, place: Place): readonly Expression[] {
    if (!Array.isArray(operand)) return [this.#expression(operand, this.#below(place, name))];
    return operand.map((each, at) => this.#expression(each, this.#below(place, name, at)));
  }

  #variable(operand: unknown, place: Place): Expression {
    const [path, fallback, ...more] = this.#operands('var', operand, place);
    if (more.length > 0) throw new InvalidRule('var has a path, and perhaps a value to use without one, but no third operand');
    return { run: variable(path, fallback), depth: deepest([path, fallback]) + 1 };
  }

  #evaluator(name: unknown, { depth }: Place): Expression {
    if (typeof name !== 'string' || !this.#evaluators.has(name)) throw new InvalidRule(`$evaluators has no ${shown(name)}`);
    const known = this.#compiled.get(name);
    if (known === 'under way') throw new InvalidRule(`the evaluator ${shown(name)} refers to itself`);
    if (known !== undefined) return known;
    this.#compiled.set(name, 'under way');
    try {
      const compiled = this.#expression(this.#evaluators.get(name), { depth: depth + 1, path: ['$evaluators', name] });
      this.#compiled.set(name, compiled);
      return compiled;
    } finally {
      if (this.#compiled.get(name) === 'under way') this.#compiled.delete(name);
    }
  }
}

function constant(value: unknown): Expression {
  return { run: () => value, constant: { value }, depth: 1 };
}

function listOf(items: readonly Expression[]): Expression {
  const depth = deepest(items) + 1;
  if (items.every((item) => item.constant !== undefined)) return { ...constant(items.map((item) => item.constant?.value)), depth };
  return { run: (scope) => items.map((item) => item.run(scope)), depth };
}

function calling(operator: Operator, operands: readonly Expression[]): Run {
  return (scope) => operator.call(operands.map((operand) => operand.run(scope)), scope);
}

/** An evaluator that was compiled before may be deep itself. */
function checked(expression: Expression): Expression {
  if (expression.depth > flagLimits.depthMax) throw tooDeep();
  return expression;
}

function deepest(expressions: readonly (Expression | undefined)[]): number {
  return expressions.reduce((depth, each) => Math.max(depth, each?.depth ?? 0), 0);
}

function isOperation(operand: unknown): boolean {
  return typeof operand === 'object' && operand !== null && !Array.isArray(operand) && Object.keys(operand).length > 0;
}

function tooDeep(): InvalidRule {
  return new InvalidRule(`the rule has more than ${flagLimits.depthMax} operators within each other`);
}

function shown(name: unknown): string {
  const text = JSON.stringify(name);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
