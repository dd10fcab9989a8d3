/** Filter expressions of the server, over the rows of a list. Loaded when the first expression is typed. */

import { compile } from '../../../server/src/filter/filter.ts';
import { boolean, float, list, map, struct, text, type Shape } from '../../../server/src/filter/shape.ts';

interface Field<T> {
  readonly name: string;
  readonly kind: 'text' | 'number' | 'boolean' | 'texts' | 'map';
  readonly read: (row: T) => unknown;
}

const shapes: Readonly<Record<Field<never>['kind'], Shape>> = { text, number: float, boolean, texts: list(text), map: map(text) };

/** @returns a function that begins a pass over all rows, since a filter counts the work of its patterns; or the fault of the expression */
export function compileFor<T>(fields: readonly Field<T>[], expression: string): (() => (row: T) => boolean) | Error {
  const shape = struct(Object.fromEntries(fields.map(({ name, kind, read }) => [name, [shapes[kind], (row: unknown) => read(row as T)] as const])));
  try {
    compile(expression, shape);
  } catch (error) {
    return new Error(plainly(error instanceof Error ? error.message : String(error), expression));
  }
  return () => compile(expression, shape);
}

/** Words of the grammar, which names the characters that it expects, as words for people. */
function plainly(fault: string, expression: string): string {
  const at = Number(/^1:(\d+) .*no match found/s.exec(fault)?.[1] ?? 0);
  if (at === 0) return fault;
  const rest = expression.slice(at - 1).trim();
  return rest === '' ? 'The expression is not complete.' : `The expression is wrong at “${rest}”.`;
}
