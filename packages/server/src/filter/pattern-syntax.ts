/**
 * Patterns as text to a tree: RE2's syntax (https://github.com/google/re2/wiki/Syntax) with the
 * messages of Go's `regexp`. RE2 leaves out what cannot be matched in linear time, back references
 * and look-around; so does this. A filter only asks whether there is a match, for which captures and
 * greediness do not matter (`pattern.ts`); templates ask what was captured (`captures.ts`).
 */

import { RegistryError } from '@rollcall/protocol';
import {
  anyButNewline,
  anyChar,
  newline,
  perlClasses,
  posixClasses,
  unicodeClass,
  type CharSet,
} from './char-set.ts';

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word' | 'not-word';

export type PatternNode =
  | { readonly kind: 'chars'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly of: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly of: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly of: PatternNode;
      readonly min: number;
      readonly max: number;
      /** As few times as possible. */
      readonly lazy: boolean;
    }
  /** Groups are counted from 1, by their opening brackets. */
  | { readonly kind: 'capture'; readonly of: PatternNode; readonly group: number };

/** Characters of a pattern; go-bexpr means to allow 512 in a value. */
const lengthMax = 1_024;
const depthMax = 100;
/** RE2's limit of `{n,m}`. */
const repeatMax = 1_000;

interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotNewline: boolean;
  /** Swaps what `*` and `*?` mean. */
  readonly ungreedy: boolean;
}

/** @throws RegistryError `invalid_argument` with the words of Go's `regexp.Compile` */
export function parsePattern(pattern: string): PatternNode {
  if (pattern.length > lengthMax) throw failure(`expression too long: ${pattern.length} characters, the limit is ${lengthMax}`);
  return new Parser(pattern).parse();
}

function failure(what: string, at?: string): RegistryError {
  return new RegistryError('invalid_argument', `error parsing regexp: ${what}${at === undefined ? '' : `: \`${at}\``}`);
}

const meta = /[\\.+*?()|[\]{}^$]/;
const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #groups = 0;
  #flags: Flags = { fold: false, multiline: false, dotNewline: false, ungreedy: false };

  constructor(text: string) {
    this.#text = text;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw failure('unexpected )', this.#text);
    return node;
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }

  #take(what: string): boolean {
    if (!this.#text.startsWith(what, this.#at)) return false;
    this.#at += what.length;
    return true;
  }

  #choice(): PatternNode {
    const flags = this.#flags;
    const of = [this.#sequence()];
    while (this.#take('|')) of.push(this.#sequence());
    this.#flags = flags;
    return of.length === 1 ? (of[0] as PatternNode) : { kind: 'choice', of };
  }

  #sequence(): PatternNode {
    const of: PatternNode[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')') {
      if (this.#take('\\Q')) this.#quoted(of);
      else {
        const atom = this.#atom();
        if (atom !== undefined) of.push(this.#repeated(atom));
      }
    }
    return of.length === 1 ? (of[0] as PatternNode) : { kind: 'sequence', of };
  }

  /** `\\Qa.b\\E+`: a repetition behind it is of the last character. */
  #quoted(of: PatternNode[]): void {
    const end = this.#text.indexOf('\\E', this.#at);
    const body = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    for (const char of body) of.push(this.#char(char.codePointAt(0) as number));
    const last = of.pop();
    if (last !== undefined) of.push(body === '' ? last : this.#repeated(last));
  }

  /** Undefined for what only changes flags: `(?i)`. */
  #atom(): PatternNode | undefined {
    const { dotNewline, multiline } = this.#flags;
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return { kind: 'chars', set: this.#brackets() };
    if (this.#take('.')) return { kind: 'chars', set: dotNewline ? anyChar : anyButNewline };
    if (this.#take('^')) return { kind: 'assert', what: multiline ? 'line-start' : 'text-start' };
    if (this.#take('$')) return { kind: 'assert', what: multiline ? 'line-end' : 'text-end' };
    if (this.#text[this.#at] === '\\') return this.#escape();
    const repetition = this.#repetition();
    if (repetition !== undefined) throw failure('missing argument to repetition operator', repetition.text);
    return this.#char(this.#point());
  }

  #group(): PatternNode | undefined {
    const start = this.#at - 1;
    const flags = this.#flags;
    if (++this.#depth > depthMax) throw failure(`expression nests too deeply: the limit is ${depthMax} levels`);
    let group = 0;
    if (!this.#take('?')) group = ++this.#groups;
    else if (!this.#take(':')) {
      const name = /^P?<([^>]*)>/.exec(this.#rest());
      if (name !== null && !/^<[=!]/.test(this.#rest())) {
        if (!/^\w+$/.test(name[1] ?? '')) throw failure('invalid named capture', `(?${name[0]}`);
        this.#at += name[0].length;
        group = ++this.#groups;
      } else if (this.#readFlags(start)) {
        this.#depth--;
        return undefined;
      }
    }
    const node = this.#choice();
    if (!this.#take(')')) throw failure('missing closing )', this.#text);
    this.#flags = flags;
    this.#depth--;
    return group === 0 ? node : { kind: 'capture', of: node, group };
  }

  /** Reads `i-s)` or `i-s:`; true when the flags stand alone and hold until the enclosing group ends. */
  #readFlags(start: number): boolean {
    const match = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(this.#rest());
    if (match === null || (match[1] === '' && match[2] === undefined)) {
      throw failure('invalid or unsupported Perl syntax', this.#text.slice(start, this.#at + 1));
    }
    const [all, on = '', off = '', end] = match;
    this.#at += all.length;
    const { fold, multiline, dotNewline, ungreedy } = this.#flags;
    const set = (flag: string, before: boolean) => (on.includes(flag) ? true : off.includes(flag) ? false : before);
    this.#flags = {
      fold: set('i', fold),
      multiline: set('m', multiline),
      dotNewline: set('s', dotNewline),
      ungreedy: set('U', ungreedy),
    };
    return end === ')';
  }

  #repeated(atom: PatternNode): PatternNode {
    const first = this.#repetition();
    if (first === undefined) return atom;
    const lazy = this.#take('?') !== this.#flags.ungreedy;
    const second = this.#repetition();
    if (second !== undefined) throw failure('invalid nested repetition operator', first.text + second.text);
    return { kind: 'repeat', of: atom, min: first.min, max: first.max, lazy };
  }

  #repetition(): { min: number; max: number; text: string } | undefined {
    if (this.#take('*')) return { min: 0, max: Infinity, text: '*' };
    if (this.#take('+')) return { min: 1, max: Infinity, text: '+' };
    if (this.#take('?')) return { min: 0, max: 1, text: '?' };
    // Braces that are no repetition stand for themselves.
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#rest());
    if (match === null) return undefined;
    const [text, low = '', comma, high = ''] = match;
    const min = Number(low);
    const max = comma === undefined ? min : high === '' ? Infinity : Number(high);
    if (min > repeatMax || (max !== Infinity && max > repeatMax) || max < min) throw failure('invalid repeat count', text);
    this.#at += text.length;
    return { min, max, text };
  }

  #escape(): PatternNode {
    const two = this.#text.slice(this.#at, this.#at + 2);
    const assertions: Readonly<Record<string, Assertion>> = {
      '\\A': 'text-start',
      '\\z': 'text-end',
      '\\b': 'word',
      '\\B': 'not-word',
    };
    const what = assertions[two];
    if (what !== undefined) {
      this.#at += 2;
      return { kind: 'assert', what };
    }
    const set = this.#classEscape();
    if (set !== undefined) return { kind: 'chars', set: this.#flags.fold ? { ranges: [], sets: [set], folded: true } : set };
    return this.#char(this.#escapedPoint());
  }

  /** `\d`, `\pL`, `\P{Greek}`. */
  #classEscape(): CharSet | undefined {
    const letter = this.#text[this.#at + 1] ?? '';
    const perl = perlClasses[letter];
    if (perl !== undefined) {
      this.#at += 2;
      return perl;
    }
    const match = /^\\([pP])(?:\{(\^?)([^}]*)\}|([A-Z]))/.exec(this.#rest());
    if (match === null) {
      if (letter === 'p' || letter === 'P') throw failure('invalid character class range', this.#rest());
      return undefined;
    }
    const set = unicodeClass(match[3] ?? match[4] ?? '');
    if (set === undefined) throw failure('invalid character class range', match[0]);
    this.#at += match[0].length;
    return (match[1] === 'P') !== (match[2] === '^') ? { ranges: [], sets: [set], negated: true } : set;
  }

  #escapedPoint(): number {
    if (this.#at + 1 >= this.#text.length) throw failure('trailing backslash at end of expression', '');
    const char = this.#text[this.#at + 1] as string;
    const control = controls[char];
    if (control !== undefined || meta.test(char) || /[!-/:-@[-`{-~]/.test(char)) {
      this.#at += 2;
      return control ?? char.charCodeAt(0);
    }
    const match = /^\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,8})\}|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/.exec(this.#rest());
    const point = match === null ? NaN : match[3] === undefined ? parseInt(match[1] ?? match[2] ?? '', 16) : parseInt(match[3], 8);
    if (match === null || !(point <= 0x10ffff)) throw failure('invalid escape sequence', `\\${char}`);
    this.#at += match[0].length;
    return point;
  }

  #brackets(): CharSet {
    const start = this.#at - 1;
    const negated = this.#take('^');
    const ranges: [number, number][] = [];
    const sets: CharSet[] = [];
    // A bracket that closes nothing yet stands for itself.
    for (let first = true; first || this.#text[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#text.length) throw failure('missing closing ]', this.#text.slice(start));
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#rest());
      if (posix !== null) {
        const set = posixClasses[posix[2] ?? ''];
        if (set === undefined) throw failure('invalid character class range', posix[0]);
        sets.push(posix[1] === '^' ? { ranges: [], sets: [set], negated: true } : set);
        this.#at += posix[0].length;
        continue;
      }
      const set = this.#text[this.#at] === '\\' ? this.#classEscape() : undefined;
      if (set !== undefined) sets.push(set);
      else ranges.push(this.#range(start));
    }
    this.#at++;
    // As in RE2, a negated class leaves the newline in.
    return { ranges, sets, ...(negated && { negated }), ...(this.#flags.fold && { folded: true }) };
  }

  #range(start: number): [number, number] {
    const from = this.#at;
    const low = this.#classPoint(start);
    if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']') return [low, low];
    this.#at++;
    const high = this.#classPoint(start);
    if (high < low) throw failure('invalid character class range', this.#text.slice(from, this.#at));
    return [low, high];
  }

  #classPoint(start: number): number {
    if (this.#at >= this.#text.length) throw failure('missing closing ]', this.#text.slice(start));
    return this.#text[this.#at] === '\\' ? this.#escapedPoint() : this.#point();
  }

  #point(): number {
    const point = this.#text.codePointAt(this.#at) ?? newline;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #char(point: number): PatternNode {
    return { kind: 'chars', set: { ranges: [[point, point]], ...(this.#flags.fold && { folded: true }) } };
  }
}
