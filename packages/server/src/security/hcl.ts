/**
 * Parses the text of ACL rules, in HCL 1 or in its JSON form, into a tree (grammar: `hcl.peggy`). `rule-text.ts`
 * interprets the tree.
 */

import { unquote } from '../filter/go-string.ts';
import { refused, type AccessError } from './access-error.ts';
import { parse, SyntaxError } from './hcl.generated.ts';

/** `service "web" { … }` has the keys `service` and `web`; in JSON each object has one key. */
export interface HclItem {
  readonly keys: readonly [string, ...string[]];
  readonly value: HclValue;
  /** Position of the item; both count from 1. */
  readonly line: number;
  readonly column: number;
}

export type HclValue =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'list'; readonly values: readonly HclValue[] }
  | { readonly kind: 'object'; readonly items: readonly HclItem[] };

/** Most characters of one text: some thousand rules. */
const lengthMax = 131_072;
/** Most levels of braces and brackets; rules need three. */
const depthMax = 50;

/**
 * Reads the items in the order of the text; an item may occur more than once.
 * @throws AccessError with line and column
 */
export function parseHcl(text: string): readonly HclItem[] {
  if (text.length > lengthMax) throw unreadable(`the rules have ${text.length} characters, the limit is ${lengthMax}`);
  let depth = 0;
  const options = {
    startRule: text.trimStart().startsWith('{') ? 'Json' : 'Hcl',
    unquote,
    unquoteJson,
    enter() {
      if (++depth > depthMax) throw unreadable(`the rules nest more than ${depthMax} levels deep`);
      return true;
    },
    leave() {
      depth--;
      return true;
    },
  };
  try {
    return parse(text, options) as readonly HclItem[];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { message, location } = error as unknown as Failure;
    throw refused('unreadable rules', { line: location.start.line, column: location.start.column, problem: message });
  }
}

interface Failure {
  readonly message: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}

function unreadable(problem: string): AccessError {
  return refused('unreadable rules', { line: 0, column: 0, problem });
}

function unquoteJson(body: string): string | undefined {
  try {
    return JSON.parse(`"${body}"`) as string;
  } catch {
    return undefined;
  }
}
