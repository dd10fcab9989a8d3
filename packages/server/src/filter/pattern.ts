/**
 * Patterns that match in linear time, for the operator `matches`: a non-deterministic automaton is run
 * over the text once, all its states side by side (K. Thompson, "Regular Expression Search Algorithm",
 * CACM 1968; R. Cox, https://swtch.com/~rsc/regexp/regexp2.html). JavaScript's own engine backtracks:
 * `(a+)+$` on forty characters would stop the process for minutes.
 *
 * Time is at most instructions × characters; `Steps` bounds the sum over all texts of one filter.
 */

import { RegistryError } from '@rollcall/protocol';
import { has, isWord, newline, type CharSet } from './char-set.ts';
import { parsePattern, type Assertion, type PatternNode } from './pattern-syntax.ts';

type Instruction =
  | { readonly kind: 'chars'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly what: Assertion }
  /** Goes on at both. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'match' };

/** How much work a filter may still do. */
export interface Steps {
  left: number;
}

export interface Pattern {
  /** Whether the pattern matches anywhere in the text. @throws RegistryError `resource_exhausted` */
  test(text: string, steps: Steps): boolean;
}

/** Instructions of one pattern, its repetitions written out. */
const instructionsMax = 2_000;

/** Nothing to interpret: the text must contain it. */
const literal = /^[^\\.+*?()|[\]{}^$]*$/;

/** @throws RegistryError `invalid_argument` with the words of Go's `regexp.Compile` */
export function compilePattern(pattern: string): Pattern {
  const tree = parsePattern(pattern);
  if (literal.test(pattern)) return { test: (text) => text.includes(pattern) };
  const program: Instruction[] = [];
  emit(program, tree);
  push(program, { kind: 'match' });
  return new Automaton(program);
}

function push(program: Instruction[], instruction: Instruction): number {
  if (program.length >= instructionsMax) {
    const message = `error parsing regexp: expression needs more than ${instructionsMax} instructions; repeat less`;
    throw new RegistryError('invalid_argument', message);
  }
  return program.push(instruction) - 1;
}

function emit(program: Instruction[], node: PatternNode): void {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      push(program, node);
      return;
    case 'sequence':
      for (const one of node.of) emit(program, one);
      return;
    case 'choice':
      emitChoice(program, node.of);
      return;
    case 'capture':
      emit(program, node.of);
      return;
    case 'repeat':
      emitCopies(program, node.of, node.min);
      if (node.max === Infinity) emitStar(program, node.of);
      else emitOptional(program, node.of, node.max - node.min);
  }
}

function emitCopies(program: Instruction[], of: PatternNode, count: number): void {
  for (let index = 0; index < count; index++) {
    const before = program.length;
    emit(program, of);
    // Nothing repeated is nothing; nested, it would be nothing a billion times.
    if (program.length === before) return;
  }
}

function emitChoice(program: Instruction[], of: readonly PatternNode[]): void {
  const ends: { kind: 'jump'; to: number }[] = [];
  of.forEach((one, index) => {
    if (index === of.length - 1) {
      emit(program, one);
      return;
    }
    const split = { kind: 'split' as const, first: program.length + 1, second: 0 };
    push(program, split);
    emit(program, one);
    const end = { kind: 'jump' as const, to: 0 };
    push(program, end);
    ends.push(end);
    split.second = program.length;
  });
  for (const end of ends) end.to = program.length;
}

function emitStar(program: Instruction[], of: PatternNode): void {
  const split = { kind: 'split' as const, first: program.length + 1, second: 0 };
  const start = push(program, split);
  emit(program, of);
  push(program, { kind: 'jump', to: start });
  split.second = program.length;
}

/** Up to `count` times: each of them may be the one to stop before. */
function emitOptional(program: Instruction[], of: PatternNode, count: number): void {
  const splits: { kind: 'split'; first: number; second: number }[] = [];
  for (let index = 0; index < count; index++) {
    const split = { kind: 'split' as const, first: program.length + 1, second: 0 };
    push(program, split);
    splits.push(split);
    emit(program, of);
  }
  for (const split of splits) split.second = program.length;
}

const asciiMax = 128;

/** Steps that a look into a set of characters beyond ASCII is worth. */
const setSteps = 15;

/** What an instruction does, as numbers for the inner loop. */
const doMatch = 0;
const doJump = 1;
const doSplit = 2;
const doAssert = 3;
const doChar = 4;
const doChars = 5;

class Automaton implements Pattern {
  readonly #does: Uint8Array;
  /** Where a jump or split goes; the one character of `doChar`. */
  readonly #first: Uint32Array;
  readonly #second: Uint32Array;
  readonly #sets: (CharSet | undefined)[] = [];
  readonly #asserts: (Assertion | undefined)[] = [];
  /** What is known of ASCII characters in each set: 0 nothing, 1 out, 2 in. */
  readonly #known: (Uint8Array | undefined)[];
  /** Where each instruction was last reached, so that it is followed once a position. */
  readonly #reached: Uint32Array;
  #visit = 0;
  /** Instructions to follow, and those that wait for a character. */
  readonly #stack: Uint32Array;
  readonly #waiting: Uint32Array;

  constructor(program: readonly Instruction[]) {
    const size = program.length;
    this.#does = new Uint8Array(size);
    this.#first = new Uint32Array(size);
    this.#second = new Uint32Array(size);
    this.#reached = new Uint32Array(size);
    // Each instruction is followed once and leaves at most two; one start is added.
    this.#stack = new Uint32Array(3 * size + 2);
    this.#waiting = new Uint32Array(size);
    this.#known = Array.from<undefined>({ length: size });
    program.forEach((instruction, at) => this.#load(instruction, at));
  }

  #load(instruction: Instruction, at: number): void {
    this.#sets.push(instruction.kind === 'chars' ? instruction.set : undefined);
    this.#asserts.push(instruction.kind === 'assert' ? instruction.what : undefined);
    switch (instruction.kind) {
      case 'match':
        this.#does[at] = doMatch;
        return;
      case 'jump':
        this.#does[at] = doJump;
        this.#first[at] = instruction.to;
        return;
      case 'split':
        this.#does[at] = doSplit;
        this.#first[at] = instruction.first;
        this.#second[at] = instruction.second;
        return;
      case 'assert':
        this.#does[at] = doAssert;
        return;
      case 'chars': {
        const point = onlyChar(instruction.set);
        this.#does[at] = point === undefined ? doChars : doChar;
        this.#first[at] = point ?? 0;
      }
    }
  }

  test(text: string, steps: Steps): boolean {
    const stack = this.#stack;
    let top = 0;
    let before = -1;
    for (let index = 0; ; ) {
      const point = text.codePointAt(index) ?? -1;
      // A match may start at every position.
      stack[top++] = 0;
      const waiting = this.#follow(top, before, point, steps);
      if (waiting < 0) return true;
      if (point < 0) return false;
      top = this.#consume(waiting, point, steps);
      before = point;
      index += point > 0xffff ? 2 : 1;
    }
  }

  /** Follows what takes no character. Returns how many instructions wait for one; -1 on a match. */
  #follow(start: number, before: number, point: number, steps: Steps): number {
    const stack = this.#stack;
    // Wraps after four billion characters of one filter, long after its steps are used up.
    const visit = ++this.#visit;
    let top = start;
    let waiting = 0;
    while (top > 0) {
      const at = stack[--top] as number;
      if (this.#reached[at] === visit) continue;
      this.#reached[at] = visit;
      if (--steps.left < 0) throw exhausted();
      switch (this.#does[at]) {
        case doMatch:
          return -1;
        case doJump:
          stack[top++] = this.#first[at] as number;
          break;
        case doSplit:
          stack[top++] = this.#first[at] as number;
          stack[top++] = this.#second[at] as number;
          break;
        case doAssert:
          if (holds(this.#asserts[at] as Assertion, before, point)) stack[top++] = at + 1;
          break;
        default:
          this.#waiting[waiting++] = at;
      }
    }
    return waiting;
  }

  /** Puts what follows a matched character on the stack; returns how many. */
  #consume(waiting: number, point: number, steps: Steps): number {
    let top = 0;
    for (let index = 0; index < waiting; index++) {
      const at = this.#waiting[index] as number;
      const matches = this.#does[at] === doChar ? this.#first[at] === point : this.#has(at, point, steps);
      if (matches) this.#stack[top++] = at + 1;
    }
    return top;
  }

  #has(at: number, point: number, steps: Steps): boolean {
    const set = this.#sets[at] as CharSet;
    if (point < asciiMax) {
      const known = (this.#known[at] ??= new Uint8Array(asciiMax));
      if (known[point] === 0) known[point] = has(set, point) ? 2 : 1;
      return known[point] === 2;
    }
    steps.left -= setSteps;
    return has(set, point);
  }
}

function onlyChar({ ranges, sets, property, negated, folded }: CharSet): number | undefined {
  const [range, another] = ranges;
  if (range === undefined || another !== undefined || range[0] !== range[1]) return undefined;
  return sets === undefined && property === undefined && negated !== true && folded !== true ? range[0] : undefined;
}

export function holds(what: Assertion, before: number, point: number): boolean {
  switch (what) {
    case 'text-start':
      return before < 0;
    case 'text-end':
      return point < 0;
    case 'line-start':
      return before < 0 || before === newline;
    case 'line-end':
      return point < 0 || point === newline;
    case 'word':
      return isWord(before) !== isWord(point);
    case 'not-word':
      return isWord(before) === isWord(point);
  }
}

function exhausted(): RegistryError {
  return new RegistryError('resource_exhausted', 'the patterns of the filter take too long; make them shorter or repeat less');
}
