/**
 * A compiled expression: a closure over its compiled operands. This file has the types that operators share, and the limits that
 * keep a rule from running long, however it is written. `compile.ts` makes expressions, the files beside it are the operators.
 */

/** What one evaluation knows. Operators on lists replace `data` by each item while they look at it. */
export interface Scope {
  /** What `var` reads: the evaluation context, or the item of a list. */
  data: unknown;
  readonly context: object;
  readonly flagKey: string;
  /** Wall clock, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Steps that this evaluation may still take. */
  stepsLeft: number;
  /** The last choice of a `fractional` by its hash; undefined: there was none. */
  split: Split | undefined;
}

/** How a `fractional` has chosen. */
export interface Split {
  /** The text that was hashed. */
  readonly unit: string;
  /** Where its hash lies, from 0 to below `total`. */
  readonly bucket: number;
  /** Sum of the weights. */
  readonly total: number;
}

export type Run = (scope: Scope) => unknown;

export interface Expression {
  readonly run: Run;
  /** Set for a constant, so that operators can prepare what depends on it. */
  readonly constant?: { readonly value: unknown };
  /** Operators below each other, itself included. */
  readonly depth: number;
}

/** An operator over values: its operands are evaluated first, all of them. */
export interface Operator {
  call(values: readonly unknown[], scope: Scope): unknown;
  /** A faster form for operands that the rule spells out; undefined: `call` is fast enough. */
  readonly compile?: (operands: readonly Expression[]) => Run | undefined;
}

/** An operator that evaluates its operands itself, and perhaps not all of them. @throws InvalidRule */
export type LazyOperator = (operands: readonly Expression[]) => Run;

/** A rule that cannot be compiled; its flag answers with `PARSE_ERROR`. */
export class InvalidRule extends Error {}

/** A rule that has no result for these values; its flag answers with `GENERAL`. */
export class NoResult extends Error {}

export const flagLimits = {
  /** Operators below each other in one rule, shared evaluators included. */
  depthMax: 64,
  /** Operators and values of one rule. */
  nodesMax: 20_000,
  /** Items of lists that one evaluation may look at or build. */
  stepsMax: 100_000,
  /** Characters of a text that a rule builds. */
  textMax: 65_536,
  /** Flags of one configuration. */
  flagsMax: 10_000,
} as const;

/** @throws InvalidRule unless there are so many */
export function demandOperands(name: string, operands: readonly unknown[], min: number): void {
  if (operands.length < min) throw new InvalidRule(`${name} has ${operands.length} operands, it needs ${min}`);
}

/** Counts work that grows with the data. @throws NoResult beyond the limit */
export function takeSteps(scope: Scope, steps: number): void {
  scope.stepsLeft -= steps;
  if (scope.stepsLeft < 0) throw new NoResult(`the rule looks at more than ${flagLimits.stepsMax} items`);
}

/** A value as JavaScript joins it to a text: a list as its items with commas between, an object as `[object Object]`. */
export function textOf(value: unknown): string {
  // oxlint-disable-next-line typescript/no-base-to-string -- an object has this text in flagd, too
  return String(value);
}

/** JSONLogic's truth: an empty list, an empty text, an empty object, 0 and null are false. */
export function isTrue(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value);
  if (Array.isArray(value)) return value.length > 0;
  for (const key in value) if (Object.hasOwn(value, key)) return true;
  return false;
}
