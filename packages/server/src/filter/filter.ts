/**
 * `compile` turns a filter expression into a predicate and checks it against the shape of the filtered values. The
 * language is go-bexpr 0.1.2, which Consul's `?filter=` and binding rules use; README.md describes its
 * corner cases. Access control comes before the filter: filter only values that the caller may see.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { coerce, equals, type Coerced } from './coerce.ts';
import { quote } from './go-string.ts';
import { parseFilter, type Expression, type Match } from './parse.ts';
import { compileStepsMax, Pattern, type Steps } from './pattern.ts';
import { isPrimitive, operatorsOf, type Operator, type Shape, type StructShape } from './shape.ts';

/** @throws RegistryError `resource_exhausted` when its patterns need too much work together */
export type Filter = (value: unknown) => boolean;

/** Most match expressions in one filter; each is tried on every value. */
const matchesMax = 256;

/**
 * Most steps of all patterns of one filter over all its values. This limits the work of one expression
 * to half a second.
 */
const stepsMax = 20_000_000;
/** Steps over one value. This bounds how long a caller that yields between two values holds the event loop. */
const stepsPerValueMax = 500_000;

/**
/**
 * Compiles an expression. Create one filter for each pass over the values: it counts the steps of its patterns.
 *
 * @param shape the fields that an expression may select; see `shape.ts`
 * @throws RegistryError `invalid_argument` with go-bexpr's text: a syntax error with its position, an
 *   unknown selector, an operator that does not fit, an unreadable value or pattern
 */
export function compile(expression: string, shape: StructShape): Filter {
  return compileCounted(expression, shape).wants;
}

/** A filter that counts its work. */
export interface CountedFilter {
  readonly wants: Filter;
  /** Comparisons in the expression: the most that are tried on a value. */
  readonly comparisons: number;
  /** Steps that its patterns have done over all values until now. */
  readonly steps: () => number;
}

/** `compile`, for callers that do other things between two values. @throws RegistryError like `compile` */
export function compileCounted(expression: string, shape: StructShape): CountedFilter {
  const tree = parseFilter(expression);
  const comparisons = countMatches(tree);
  if (comparisons > matchesMax) {
    throw invalid(`Number of match expressions (${comparisons}) exceeds the limit (${matchesMax})`);
  }
  const steps = { left: 0 };
  const wanted = build(tree, shape, { steps, compile: { left: compileStepsMax } });
  let done = 0;
  const wants: Filter = (value) => {
    const given = Math.min(stepsPerValueMax, stepsMax - done);
    steps.left = given;
    try {
      return wanted(value);
    } finally {
      done += given - steps.left;
    }
  };
  return { wants, comparisons, steps: () => done };
}

/**
 * `compile` for the parameter `filter` of Consul's API: errors begin like Consul's, and an empty expression matches
 * everything.
 */
export function compileQuery(expression: string, shape: StructShape): CountedFilter {
  if (expression === '') return { wants: () => true, comparisons: 0, steps: () => 0 };
  try {
    return compileCounted(expression, shape);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw new RegistryError(error.code, `Failed to create boolean expression evaluator: ${error.message}`);
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

function countMatches(tree: Expression): number {
  if (tree.kind === 'match') return 1;
  if (tree.kind === 'not') return countMatches(tree.of);
  return tree.of.reduce((sum, one) => sum + countMatches(one), 0);
}

/** The work that all patterns of a filter share. */
interface Work {
  readonly steps: Steps;
  readonly compile: Steps;
}

function build(tree: Expression, shape: StructShape, work: Work): Filter {
  switch (tree.kind) {
    case 'and': {
      const all = tree.of.map((one) => build(one, shape, work));
      return (value) => all.every((one) => one(value));
    }
    case 'or': {
      const all = tree.of.map((one) => build(one, shape, work));
      return (value) => all.some((one) => one(value));
    }
    case 'not': {
      const inner = build(tree.of, shape, work);
      return (value) => !inner(value);
    }
    case 'match':
      return buildMatch(tree, shape, work);
  }
}

/** One step of a selector: from a struct to its field, or from a map to its entry. */
type Step =
  | { readonly kind: 'field'; readonly read: (owner: unknown) => unknown }
  | { readonly kind: 'entry'; readonly key: string };

function buildMatch(match: Match, shape: StructShape, work: Work): Filter {
  const path: Step[] = [];
  let at: Shape = shape;
  match.selector.forEach((name, index) => {
    const next = stepInto(at, name);
    if (next === undefined) {
      throw invalid(`Selector ${quote(match.selector.slice(0, index + 1).join('.'))} is not valid`);
    }
    path.push(next.step);
    at = next.shape;
  });
  if (!operatorsOf(at).includes(match.operator)) {
    throw invalid(`Invalid match operator ${quote(match.operator)} for selector ${quote(match.selector.join('.'))}`);
  }
  const test = buildTest(match, at, work);
  const ifAbsent = !presentOnly.includes(match.operator);
  return (value) => walk(path, 0, value, test, ifAbsent);
}

function stepInto(shape: Shape, name: string): { step: Step; shape: Shape } | undefined {
  if (shape.kind === 'map') return { step: { kind: 'entry', key: name }, shape: shape.of };
  // Fields of a list are those of its elements.
  if (shape.kind === 'list') return isPrimitive(shape.of) ? undefined : stepInto(shape.of, name);
  if (shape.kind !== 'struct' || !Object.hasOwn(shape.fields, name)) return undefined;
  const field = shape.fields[name];
  if (field === undefined) return undefined;
  const read = field.read ?? ((owner: unknown) => property(owner, name));
  return { step: { kind: 'field', read }, shape: field.shape };
}

function property(owner: unknown, name: string): unknown {
  if (typeof owner !== 'object' || owner === null || !Object.hasOwn(owner, name)) return undefined;
  return (owner as Readonly<Record<string, unknown>>)[name];
}

/** With these operators, a missing key of a map does not match. With all others, also `matches`, it does. */
const presentOnly: readonly Operator[] = ['Equal', 'Is Not Empty', 'In'];

function walk(path: readonly Step[], index: number, value: unknown, test: Filter, ifAbsent: boolean): boolean {
  const step = path[index];
  if (step === undefined) return test(value);
  if (Array.isArray(value)) return value.some((element) => walk(path, index, element, test, ifAbsent));
  if (step.kind === 'field') {
    const absent = value === undefined || value === null;
    return walk(path, index + 1, absent ? undefined : step.read(value), test, ifAbsent);
  }
  const entry = property(value, step.key);
  return entry === undefined ? ifAbsent : walk(path, index + 1, entry, test, ifAbsent);
}

function buildTest({ selector, operator, value = '' }: Match, shape: Shape, work: Work): Filter {
  switch (operator) {
    case 'Equal':
    case 'Not Equal': {
      const wanted = coerceFor(value, shape, selector);
      const zero = zeroOf(shape);
      return (found) => equals(found ?? zero, wanted) === (operator === 'Equal');
    }
    case 'In':
    case 'Not In': {
      const wanted = coerceFor(value, shape.kind === 'list' ? shape.of : shape, selector);
      const zero = shape.kind === 'text' ? '' : [];
      return (found) => includes(found ?? zero, wanted) === (operator === 'In');
    }
    case 'Is Empty':
    case 'Is Not Empty':
      return (found) => isEmpty(found) === (operator === 'Is Empty');
    case 'Matches':
    case 'Not Matches': {
      const pattern = patternOf(value, work.compile);
      return (found) => pattern.test(typeof found === 'string' ? found : '', work.steps) === (operator === 'Matches');
    }
  }
}

function coerceFor(raw: string, shape: Shape, selector: readonly string[]): Coerced {
  try {
    return coerce(raw, shape);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw invalid(`Failed to coerce value ${quote(raw)} for selector ${quote(selector.join('.'))}: ${error.message}`);
  }
}

function patternOf(raw: string, steps: Steps): Pattern {
  try {
    return new Pattern(raw, steps);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw invalid(`Failed to compile regular expression ${quote(raw)}: ${error.message}`);
  }
}

/** The zero value of the field's type in Go. */
function zeroOf(shape: Shape): unknown {
  return shape.kind === 'boolean' ? false : shape.kind === 'text' ? '' : 0;
}

function includes(found: unknown, wanted: Coerced): boolean {
  if (typeof found === 'string') return found.includes(String(wanted));
  if (Array.isArray(found)) return found.some((element) => equals(element, wanted));
  return typeof found === 'object' && found !== null && Object.hasOwn(found, String(wanted));
}

function isEmpty(found: unknown): boolean {
  if (found === undefined || found === null) return true;
  if (typeof found === 'string' || Array.isArray(found)) return found.length === 0;
  return typeof found === 'object' && Object.keys(found).length === 0;
}
