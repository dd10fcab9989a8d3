/**
 * Reads the data of a rule: `var`, `missing`, `missing_some`. A path is names joined by dots. Only a value's own fields are
 * read, so that `constructor` is as absent as any other name. At the top stand the evaluation context and `$flagd`, with the
 * key of the flag and the time in seconds.
 */

import { InvalidRule, NoResult, textOf, type Expression, type Operator, type Run, type Scope } from './expression.ts';

/** Names at the top of the data that a caller cannot set. */
const flagdName = '$flagd';

/** @param path the operand of `var`; a missing or empty one stands for all data. @param fallback used where there is no value */
export function variable(path: Expression | undefined, fallback: Expression | undefined): Run {
  const otherwise = fallback?.run ?? (() => null);
  const constant = path === undefined ? { value: '' } : path.constant;
  if (constant === undefined) {
    const pathOf = (path as Expression).run;
    return (scope) => valueOr(valueAt(scope, namesOf(pathOf(scope))), otherwise, scope);
  }
  if (typeof constant.value === 'object' && constant.value !== null) throw new InvalidRule('the path of a var is a list or an object');
  const names = namesOf(constant.value);
  const [name] = names;
  if (names.length !== 1 || name === undefined || name === flagdName) return (scope) => valueOr(valueAt(scope, names), otherwise, scope);
  return (scope) => valueOr(fieldOf(scope.data, name), otherwise, scope);
}

/** A value of null is a value. */
function valueOr(value: unknown, otherwise: Run, scope: Scope): unknown {
  return value === undefined ? otherwise(scope) : value;
}

function namesOf(path: unknown): readonly string[] {
  if (path === '' || path === null || path === undefined) return [];
  if (typeof path === 'object') throw new NoResult('the path of a var is a list or an object');
  return textOf(path).split('.');
}

/** @returns undefined when there is none */
function valueAt(scope: Scope, names: readonly string[]): unknown {
  const atTop = scope.data === scope.context;
  if (names.length === 0) return atTop ? { ...scope.context, [flagdName]: flagdProperties(scope) } : scope.data;
  let value = atTop && names[0] === flagdName ? flagdProperties(scope) : fieldOf(scope.data, names[0] as string);
  for (let at = 1; at < names.length && value !== undefined; at++) value = fieldOf(value, names[at] as string);
  return value;
}

function fieldOf(value: unknown, name: string): unknown {
  if (value === null || value === undefined || !Object.hasOwn(value, name)) return undefined;
  const field = (value as Readonly<Record<string, unknown>>)[name];
  return typeof field === 'function' ? undefined : field;
}

function flagdProperties({ flagKey, nowMs }: Scope): object {
  return { flagKey, timestamp: Math.floor(nowMs / 1_000) };
}

function missingOf(scope: Scope, paths: readonly unknown[]): unknown[] {
  return paths.filter((path) => valueAt(scope, namesOf(path)) === undefined);
}

export const presence: Readonly<Record<string, Operator>> = {
  /** The paths without a value. */
  missing: { call: (paths, scope) => missingOf(scope, Array.isArray(paths[0]) ? (paths[0] as unknown[]) : paths) },
  /** Nothing, if at least so many have a value; else the paths without one. */
  missing_some: {
    call([needed, paths], scope) {
      if (typeof needed !== 'number' || !Array.isArray(paths)) throw new NoResult('missing_some needs a number and a list of paths');
      const missing = missingOf(scope, paths);
      return paths.length - missing.length >= needed ? [] : missing;
    },
  },
};
