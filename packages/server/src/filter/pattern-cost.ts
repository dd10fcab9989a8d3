/**
 * Estimates the cost of compiling a pattern from its text. RE2's syntax lets a few
 * characters cause much work: `(a{30}){30}` is 900 instructions, and `(?i)[b-𞥂]` folds the case of
 * 125,000 characters. The estimate is rough but never too low; `re2js` decides whether the pattern is valid.
 */

export interface PatternCost {
  /** At least as many instructions as the compiled pattern has. */
  readonly instructions: number;
  /** Work of the compiler in the steps of `pattern.ts`. */
  readonly steps: number;
}

/*
 * Measured with Node 20 on one of two busy cores; a step stands for some 30 ns. 8 to 40 µs for any pattern, 1 µs for a
 * character, 0.7 to 1.6 µs for an instruction, up to 62 µs for a Unicode class whose case is folded, and
 * 42 ns for each character of a range whose case is folded.
 */
const stepsPerPattern = 500;
const stepsPerCharacter = 20;
const stepsPerInstruction = 30;
const stepsPerUnicodeClass = 1_200;

/** Folding looks at no character above this one. */
const foldedMax = 0x1e943;

/** The tokens of a pattern; their order matters. */
const token =
  /\\Q(?<quoted>[^]*?)(?:\\E|$)|\\[pP](?:\{[^}]*\}|[^])?|\\x\{[^}]*\}|\\[^]?|(?<class>\[\^?\]?(?:\[:\^?\w*:\]|\\[^]|[^\]\\])*)\]?|\{(?<least>\d+)(?<open>,?)(?<most>\d*)\}|(?<flags>\(\?[imsU-]*\))|(?<group>\((?:\?(?:P?<\w*>|[imsU-]*:))?)|[^]/gu;

/** One level of groups: instructions before the last atom, and of the last atom. */
interface Level {
  before: number;
  last: number;
}

export function costOf(pattern: string): PatternCost {
  const levels: [Level, ...Level[]] = [{ before: 0, last: 0 }];
  let level = levels[0];
  const atom = (size: number) => {
    level.before += level.last;
    level.last = size;
  };
  let foldedRanges = 0;
  for (const { 0: text, groups = {} } of pattern.matchAll(token)) {
    const { quoted, class: inBrackets, least, open, most = '', flags, group } = groups;
    if (quoted !== undefined) for (let left = Array.from(quoted).length; left > 0; left--) atom(1);
    else if (inBrackets !== undefined) {
      foldedRanges += widthOf(inBrackets);
      atom(1);
    } else if (least !== undefined) level.last = repeated(level.last, Number(least), open === ',', Number(most));
    // Flags are no atom: a repetition behind them repeats the atom before them.
    else if (flags !== undefined) continue;
    else if (group !== undefined) {
      level = { before: 0, last: 0 };
      levels.push(level);
    } else if (text === ')' && levels.length > 1) {
      const { before, last } = level;
      levels.pop();
      level = levels.at(-1) as Level;
      // An empty group is an instruction, too.
      atom(Math.max(before + last, 1) + 2);
    } else if (text === '|') atom(2);
    else if (text === '?') level.last += 1;
    else if (text === '*' || text === '+') level.last += 2;
    else atom(1);
  }
  const instructions = levels.reduce((sum, { before, last }) => sum + before + last, 4);
  const unicodeClasses = pattern.match(/\\[pP]/g)?.length ?? 0;
  const folds = /\(\?[^):]*i/.test(pattern);
  const steps =
    stepsPerPattern +
    stepsPerCharacter * pattern.length +
    stepsPerInstruction * instructions +
    stepsPerUnicodeClass * unicodeClasses +
    (folds ? foldedRanges : 0);
  return { instructions, steps };
}

/** More than a thousand copies are a syntax error, which costs nothing. */
function repeated(size: number, least: number, open: boolean, most: number): number {
  if (least > 1_000 || most > 1_000) return size;
  const copies = Math.max(least, most, 1);
  return open ? copies * (size + 2) : copies * size;
}

/** Characters in the ranges of a class, as far as they are beyond ASCII. */
function widthOf(inBrackets: string): number {
  let width = 0;
  for (const [, low = '', high = ''] of inBrackets.matchAll(/(?=([^])-([^]))/gu)) {
    const [from = 0, to = 0] = [low.codePointAt(0), high.codePointAt(0)];
    // An escape may stand for any character.
    if (high === '\\') width += foldedMax;
    else if (to > 0x7f) width += Math.max(0, Math.min(to, foldedMax) - from);
  }
  return width;
}
