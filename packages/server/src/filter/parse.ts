/** Parses the text of a filter expression into a tree. The grammar is `filter.peggy`. */

import { RegistryError } from '@rollcall/protocol';
import { parse, SyntaxError } from './filter.generated.ts';
import { quote, unquote } from './go-string.ts';
import type { Operator } from './shape.ts';

export type Expression =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | Match;

export interface Match {
  readonly kind: 'match';
  readonly selector: readonly string[];
  readonly operator: Operator;
  readonly value?: string;
}

/** Characters of an expression; the listener refuses longer URLs anyway. */
const lengthMax = 8_192;
/** The parser calls itself for each level; a thousand would still fit its stack. */
const depthMax = 100;

/** @throws RegistryError `invalid_argument`: `line:column (offset): what is wrong`, as from go-bexpr */
export function parseFilter(expression: string): Expression {
  if (expression.length > lengthMax) {
    throw invalid(`the expression has ${expression.length} characters, the limit is ${lengthMax}`);
  }
  const depth = depthOf(expression);
  if (depth > depthMax) throw invalid(`the expression nests ${depth} levels deep, the limit is ${depthMax}`);
  try {
    return parse(expression, { unquote }) as Expression;
  } catch (error) {
    throw error instanceof SyntaxError ? describe(expression, error as unknown as Failure) : error;
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

/** An upper bound of the depth of groups and negations; the contents of strings do not count. */
function depthOf(expression: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of expression.matchAll(/"[^"]*"|`[^`]*`|\(|\)|(?:\bnot[ \t\r\n]+)+/g)) {
    if (token === '(') depth++;
    else if (token === ')') depth--;
    const negations = token.startsWith('not') ? token.split(/[ \t\r\n]+/).length : 0;
    deepest = Math.max(deepest, depth + negations);
  }
  return deepest;
}

interface Failure {
  readonly message: string;
  readonly location: { readonly start: { readonly offset: number } };
  /** Null when the grammar raised the error itself. */
  readonly expected: readonly Expected[] | null;
}

type Expected =
  | { readonly type: 'literal'; readonly text: string }
  | { readonly type: 'class'; readonly parts: readonly (string | readonly string[])[]; readonly inverted: boolean }
  | { readonly type: 'any' | 'end' | 'other' };

function describe(expression: string, { message, location, expected }: Failure): RegistryError {
  const before = expression.slice(0, location.start.offset);
  const lines = before.split('\n');
  const column = Array.from(lines.at(-1) ?? '').length + 1;
  const position = `${lines.length}:${column} (${new TextEncoder().encode(before).length})`;
  return invalid(`${position}: ${expected === null ? message : `no match found, expected: ${alternatives(expected)}`}`);
}

function alternatives(expected: readonly Expected[]): string {
  const all = new Set(expected.map(describeOne));
  const hasEnd = all.delete('EOF');
  const sorted = [...[...all].sort(), ...(hasEnd ? ['EOF'] : [])];
  return sorted.length < 2 ? sorted.join('') : `${sorted.slice(0, -1).join(', ')} or ${sorted.at(-1)}`;
}

function describeOne(one: Expected): string {
  if (one.type === 'literal') return quote(one.text);
  if (one.type !== 'class') return 'EOF';
  const parts = one.parts.map((part) => (typeof part === 'string' ? quote(part).slice(1, -1) : part.join('-')));
  return `[${one.inverted ? '^' : ''}${parts.join('')}]`;
}
