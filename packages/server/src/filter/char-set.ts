/** Sets of characters (code points) in a pattern: ranges, Unicode classes, negation, case folding. */

export interface CharSet {
  readonly ranges: readonly (readonly [low: number, high: number])[];
  /** Sets in it, such as `\D` inside brackets. */
  readonly sets?: readonly CharSet[];
  /** A Unicode property, tested one character at a time. */
  readonly property?: RegExp;
  readonly negated?: boolean;
  /** Upper and lower case are the same. */
  readonly folded?: boolean;
}

export const newline = 10;

export const anyChar: CharSet = { ranges: [[0, 0x10ffff]] };
export const anyButNewline: CharSet = { ranges: [[newline, newline]], negated: true };

const digit: CharSet = { ranges: [[48, 57]] };
const space: CharSet = { ranges: [[9, 10], [12, 13], [32, 32]] };
const word: CharSet = { ranges: [[48, 57], [65, 90], [95, 95], [97, 122]] };

/** `\d` and its kin; ASCII only, as in RE2. */
export const perlClasses: Readonly<Record<string, CharSet>> = {
  d: digit,
  D: { ...digit, negated: true },
  s: space,
  S: { ...space, negated: true },
  w: word,
  W: { ...word, negated: true },
};

/** What may stand in `[[:here:]]`. */
export const posixClasses: Readonly<Record<string, CharSet>> = {
  alnum: { ranges: [[48, 57], [65, 90], [97, 122]] },
  alpha: { ranges: [[65, 90], [97, 122]] },
  ascii: { ranges: [[0, 127]] },
  blank: { ranges: [[9, 9], [32, 32]] },
  cntrl: { ranges: [[0, 31], [127, 127]] },
  digit,
  graph: { ranges: [[33, 126]] },
  lower: { ranges: [[97, 122]] },
  print: { ranges: [[32, 126]] },
  punct: { ranges: [[33, 47], [58, 64], [91, 96], [123, 126]] },
  space: { ranges: [[9, 13], [32, 32]] },
  upper: { ranges: [[65, 90]] },
  word,
  xdigit: { ranges: [[48, 57], [65, 70], [97, 102]] },
};

/** A Unicode general category or script by its name (`L`, `Nd`, `Greek`); undefined when there is none. */
export function unicodeClass(name: string): CharSet | undefined {
  if (!/^[A-Za-z_]+$/.test(name)) return undefined;
  if (name === 'Any') return anyChar;
  for (const property of name.length <= 2 ? [name] : [`Script=${name}`]) {
    try {
      return { ranges: [], property: new RegExp(`^\\p{${property}}$`, 'u') };
    } catch {
      // No such property: the caller says so.
    }
  }
  return undefined;
}

export function isWord(point: number): boolean {
  return point >= 0 && has(word, point);
}

export function has(set: CharSet, point: number): boolean {
  if (set.folded !== true) return contains(set, point) !== (set.negated === true);
  const char = String.fromCodePoint(point);
  const found =
    contains(set, point) || contains(set, onlyPoint(char.toLowerCase())) || contains(set, onlyPoint(char.toUpperCase()));
  return found !== (set.negated === true);
}

function contains(set: CharSet, point: number): boolean {
  if (point < 0) return false;
  for (const [low, high] of set.ranges) if (point >= low && point <= high) return true;
  if (set.property?.test(String.fromCodePoint(point)) === true) return true;
  return set.sets?.some((inner) => has(inner, point)) === true;
}

/** The code point of a text of one character; -1 otherwise, as of `ß` in upper case. */
function onlyPoint(text: string): number {
  const point = text.codePointAt(0) ?? -1;
  return text.length === (point > 0xffff ? 2 : 1) ? point : -1;
}
