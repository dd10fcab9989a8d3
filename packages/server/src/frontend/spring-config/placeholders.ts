/**
 * Replaces `${key}` and `${key:default}` by values of the environment, as Spring's server does in the files that it answers with. A placeholder
 * without a value and without a default stays. Depth and length are bounded: values may name each other. Pure.
 */

const depthMax = 16;
/** Characters that all replacements of one answer may make. */
const charactersMax = 4_194_304;

export interface Budget {
  characters: number;
}

export function newBudget(): Budget {
  return { characters: charactersMax };
}

/** @param value gives the value of a key; undefined: there is none. @returns the text; as it was where the bounds are reached */
export function replacePlaceholders(text: string, value: (key: string) => string | undefined, budget: Budget, depth = 0): string {
  if (depth >= depthMax || !text.includes('${')) return text;
  let result = '';
  let at = 0;
  for (;;) {
    const start = text.indexOf('${', at);
    const end = start < 0 ? -1 : closing(text, start + 2);
    if (end < 0) break;
    const inner = text.slice(start + 2, end);
    const replaced = one(inner, value, budget, depth + 1);
    result += text.slice(at, start) + (replaced ?? text.slice(start, end + 1));
    at = end + 1;
    budget.characters -= replaced?.length ?? 0;
    if (budget.characters < 0) break;
  }
  return result + text.slice(at);
}

function one(inner: string, value: (key: string) => string | undefined, budget: Budget, depth: number): string | undefined {
  const named = replacePlaceholders(inner, value, budget, depth);
  const whole = value(named);
  if (whole !== undefined) return replacePlaceholders(whole, value, budget, depth);
  const colon = named.indexOf(':');
  if (colon < 0) return undefined;
  const found = value(named.slice(0, colon));
  return found === undefined ? named.slice(colon + 1) : replacePlaceholders(found, value, budget, depth);
}

/** @returns where the brace of a placeholder closes; -1: nowhere */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth += 1;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}
