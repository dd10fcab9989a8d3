/**
 * Evaluates one flag and tells how its rule came to the result, step by step, for people who ask why. The rule is compiled once more, with a
 * wrapper around each expression, so that evaluations for programs pay nothing for it. It decides nothing by itself: the result is `FlagSet`'s.
 */

import type { RulePath, Watch } from './compile.ts';
import { flagLimits, textOf, type Split } from './expression.ts';
import { watchedFlag, type FlagEvaluation } from './flag-set.ts';

export type { RulePath } from './compile.ts';
export type FlagSplit = Split;

/** An expression that was evaluated. */
export interface FlagStep {
  readonly path: RulePath;
  /** Its operator, or `$ref`; undefined for a value or a list. */
  readonly operator: string | undefined;
  /** Its result; undefined with `error`. */
  readonly value: unknown;
  /** Why it has no result. */
  readonly error?: string;
  /** For a `fractional` that has chosen. */
  readonly split?: Split;
}

export interface FlagTrace {
  readonly evaluation: FlagEvaluation;
  /** In the order in which they ended, operands before their operator; at most `traceStepsMax`. */
  readonly steps: readonly FlagStep[];
  readonly isCut: boolean;
  /**
   * The expression that gave the result: that of the branch which `if` took, also through `$ref`. Undefined when no targeting was evaluated, or it
   * had no result.
   */
  readonly decidedBy: RulePath | undefined;
}

export const traceStepsMax = 1_000;

export type TracedFlag = { readonly ok: true; readonly trace: FlagTrace } | { readonly ok: false; readonly message: string };

/** @param content JSON of the definition @param nowMs wall clock in milliseconds since the Unix epoch, for rules about time */
export function traceFlag(content: string, key: string, context: object, nowMs: number): TracedFlag {
  const steps: FlagStep[] = [];
  /** The last one below each expression of a rule, by their paths. */
  const last = new Map<string, FlagStep>();
  const note = (step: FlagStep): void => {
    last.set(nameOf(step.path), step);
    if (steps.length < traceStepsMax) steps.push(step);
    else isCut = true;
  };
  let isCut = false;
  const watch: Watch = ({ path, rule }, run) => {
    const operator = operatorOf(rule);
    return (scope) => {
      const { split: before } = scope;
      try {
        const value = run(scope);
        const { split } = scope;
        note({ path, operator, value, ...(operator === 'fractional' && split !== undefined && split !== before ? { split } : {}) });
        return value;
      } catch (error) {
        note({ path, operator, value: undefined, error: error instanceof Error ? error.message : textOf(error) });
        throw error;
      }
    };
  };
  try {
    const definition: unknown = JSON.parse(content);
    const evaluation = watchedFlag(definition, key, watch).evaluate(key, context, nowMs);
    const hasResult = evaluation.reason === 'TARGETING_MATCH' || evaluation.reason === 'SPLIT';
    return { ok: true, trace: { evaluation, steps, isCut, decidedBy: hasResult ? decidedBy(targetingOf(definition, key), evaluatorsOf(definition), last) : undefined } };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Follows the branches that were taken. */
function decidedBy(targeting: unknown, evaluators: unknown, last: ReadonlyMap<string, FlagStep>): RulePath {
  let path: RulePath = [];
  let rule = targeting;
  // An evaluator never refers to itself, so a rule is left after as many turns as it may be deep.
  for (let turn = 0; turn < flagLimits.depthMax; turn++) {
    const operator = operatorOf(rule);
    const operand = operator === undefined ? undefined : (rule as Readonly<Record<string, unknown>>)[operator];
    if (operator === '$ref') {
      path = ['$evaluators', String(operand)];
      rule = (evaluators as Readonly<Record<string, unknown>>)[String(operand)];
    } else if ((operator === 'if' || operator === '?:') && Array.isArray(operand)) {
      const taken = operand.findLastIndex((_each, at) => (at % 2 === 1 || at === operand.length - 1) && last.has(nameOf([...path, operator, at])));
      if (taken < 0) return path;
      path = [...path, operator, taken];
      rule = operand[taken];
    } else return path;
  }
  return path;
}

function operatorOf(rule: unknown): string | undefined {
  return typeof rule === 'object' && rule !== null && !Array.isArray(rule) ? Object.keys(rule)[0] : undefined;
}

function nameOf(path: RulePath): string {
  return JSON.stringify(path);
}

/** The parts of a definition that was compiled, and so is well formed. */
function targetingOf(definition: unknown, key: string): unknown {
  return (definition as { readonly flags?: Readonly<Record<string, { readonly targeting?: unknown }>> }).flags?.[key]?.targeting;
}

function evaluatorsOf(definition: unknown): unknown {
  return (definition as { readonly $evaluators?: unknown }).$evaluators ?? {};
}
