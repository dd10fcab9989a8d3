/** Texts: `cat`, `substr`, `in`, `starts_with`, `ends_with`. */

import { flagLimits, isTrue, NoResult, takeSteps, textOf, type Expression, type Operator, type Run } from './expression.ts';

/** Null for anything but two texts, so that a rule over a value that the context does not have is false. */
function overTexts(test: (text: string, part: string) => boolean): Operator {
  return {
    call: ([text, part]) => (typeof text === 'string' && typeof part === 'string' ? test(text, part) : null),
    compile(operands) {
      if (operands.length !== 2) return () => null;
      const [text, part] = (operands as readonly [Expression, Expression]).map((operand) => operand.run) as [Run, Run];
      return (scope) => {
        const [left, right] = [text(scope), part(scope)];
        return typeof left === 'string' && typeof right === 'string' ? test(left, right) : null;
      };
    },
  };
}

function isIn(item: unknown, whole: unknown): boolean {
  if (!isTrue(whole)) return false;
  if (typeof whole === 'string') return whole.includes(textOf(item));
  if (Array.isArray(whole)) return whole.includes(item);
  throw new NoResult('in looks into something that is neither a text nor a list');
}

export const texts: Readonly<Record<string, Operator>> = {
  starts_with: overTexts((text, part) => text.startsWith(part)),
  ends_with: overTexts((text, part) => text.endsWith(part)),
  in: {
    call: ([item, whole]) => isIn(item, whole),
    compile(operands) {
      const [item, whole] = operands;
      if (item === undefined || whole === undefined) return undefined;
      return (scope) => isIn(item.run(scope), whole.run(scope));
    },
  },
  /** A missing value adds nothing. */
  cat: {
    call(values, scope) {
      let text = '';
      for (const value of values) {
        if (value === null || value === undefined) continue;
        if (Array.isArray(value)) takeSteps(scope, value.length);
        text += textOf(value);
        if (text.length > flagLimits.textMax) throw new NoResult(`the rule builds a text of more than ${flagLimits.textMax} characters`);
      }
      return text;
    },
  },
  /** From a position, of so many characters or up to so many before the end; negative positions count from the end. */
  substr: {
    call([text, from, length]) {
      if (typeof text !== 'string') throw new NoResult('substr needs a text');
      const start = Number(from ?? 0);
      const rest = text.slice(start);
      if (length === undefined) return rest;
      return rest.slice(0, Number(length));
    },
  },
};
