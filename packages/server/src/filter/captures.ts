/**
 * Patterns that tell what their groups matched, in linear time: the automaton of `pattern.ts` with
 * threads in order of preference, each of which remembers where its groups began and ended (R. Pike's
 * machine, https://swtch.com/~rsc/regexp/regexp2.html). The match found is the one that Go's `regexp`
 * finds: the leftmost, and of these the one that the pattern prefers.
 *
 * Time is at most instructions × characters; for patterns that filter many texts see `pattern.ts`.
 */

import { RegistryError } from '@rollcall/protocol';
import { has, type CharSet } from './char-set.ts';
import { holds, type Steps } from './pattern.ts';
import { parsePattern, type Assertion, type PatternNode } from './pattern-syntax.ts';

type Instruction =
  | { readonly kind: 'chars'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly what: Assertion }
  /** Remembers the position in a slot: two for each group, where it begins and where it ends. */
  | { readonly kind: 'save'; readonly slot: number }
  /** Goes on at both, and prefers the first. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'match' };

export interface Captures {
  /** How many groups the pattern has, not counting the whole match. */
  readonly groups: number;
  /**
   * The whole match and then what each group matched, empty for one that took no part; undefined when the
   * pattern matches nowhere in the text. @throws RegistryError `resource_exhausted`
   */
  match(text: string, steps: Steps): readonly string[] | undefined;
}

/** Instructions of one pattern, its repetitions written out. */
const instructionsMax = 1_000;

/** @throws RegistryError `invalid_argument` with the words of Go's `regexp.Compile` */
export function compileCaptures(pattern: string): Captures {
  const program: Instruction[] = [];
  const groups = emit(program, { kind: 'capture', of: parsePattern(pattern), group: 0 });
  push(program, { kind: 'match' });
  return { groups, match: (text, steps) => new Run(program, groups, text, steps).match() };
}

function push<T extends Instruction>(program: Instruction[], instruction: T): T {
  if (program.length >= instructionsMax) {
    const message = `error parsing regexp: expression needs more than ${instructionsMax} instructions; repeat less`;
    throw new RegistryError('invalid_argument', message);
  }
  program.push(instruction);
  return instruction;
}

/** @returns the highest number of a group in the node */
function emit(program: Instruction[], node: PatternNode): number {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      push(program, node);
      return 0;
    case 'sequence':
      return Math.max(0, ...node.of.map((one) => emit(program, one)));
    case 'choice':
      return emitChoice(program, node.of);
    case 'capture': {
      push(program, { kind: 'save', slot: 2 * node.group });
      const inner = emit(program, node.of);
      push(program, { kind: 'save', slot: 2 * node.group + 1 });
      return Math.max(node.group, inner);
    }
    case 'repeat':
      return emitRepeat(program, node);
  }
}

function emitChoice(program: Instruction[], of: readonly PatternNode[]): number {
  const ends: { kind: 'jump'; to: number }[] = [];
  let groups = 0;
  of.forEach((one, index) => {
    const last = index === of.length - 1;
    const split = last ? undefined : push(program, { kind: 'split', first: program.length + 1, second: 0 });
    groups = Math.max(groups, emit(program, one));
    if (split === undefined) return;
    ends.push(push(program, { kind: 'jump', to: 0 }));
    split.second = program.length;
  });
  for (const end of ends) end.to = program.length;
  return groups;
}

function emitRepeat(program: Instruction[], node: Extract<PatternNode, { kind: 'repeat' }>): number {
  const { of, min, max, lazy } = node;
  let groups = 0;
  const once = () => {
    const before = program.length;
    groups = Math.max(groups, emit(program, of));
    return program.length > before;
  };
  /** One that may be left out; where it goes when it is, is said later. */
  const optional = () => {
    const split = push(program, { kind: 'split', first: 0, second: 0 });
    split[lazy ? 'second' : 'first'] = program.length;
    return (end: number) => (split[lazy ? 'first' : 'second'] = end);
  };
  // Nothing repeated is nothing; nested, it would be nothing a billion times.
  for (let count = 0; count < min; count++) if (!once()) return groups;
  if (max === Infinity) {
    const start = program.length;
    const skip = optional();
    once();
    push(program, { kind: 'jump', to: start });
    skip(program.length);
    return groups;
  }
  const skips: ((end: number) => void)[] = [];
  for (let count = min; count < max; count++) {
    skips.push(optional());
    if (!once()) break;
  }
  for (const skip of skips) skip(program.length);
  return groups;
}

/** Positions by slot; -1 where a group has not begun or ended. Never changed once it is made. */
type Slots = readonly number[];

interface Thread {
  readonly at: number;
  readonly slots: Slots;
}

class Run {
  readonly #program: readonly Instruction[];
  readonly #text: string;
  readonly #steps: Steps;
  readonly #start: Slots;
  /** Position at which each instruction was last reached: who comes later is preferred less. */
  readonly #reached: Int32Array;

  constructor(program: readonly Instruction[], groups: number, text: string, steps: Steps) {
    this.#program = program;
    this.#text = text;
    this.#steps = steps;
    this.#start = Array<number>(2 * groups + 2).fill(-1);
    this.#reached = new Int32Array(program.length).fill(-1);
  }

  match(): readonly string[] | undefined {
    const found = this.#search();
    if (found === undefined) return undefined;
    const texts: string[] = [];
    for (let slot = 0; slot < found.length; slot += 2) {
      const [from = -1, to = -1] = [found[slot], found[slot + 1]];
      texts.push(from < 0 || to < 0 ? '' : this.#text.slice(from, to));
    }
    return texts;
  }

  #search(): Slots | undefined {
    let threads: Thread[] = [];
    let before = -1;
    let found: Slots | undefined;
    for (let index = 0; ; ) {
      const point = this.#text.codePointAt(index) ?? -1;
      // While nothing is found, a match may start here, too; it is preferred least.
      const starts = found === undefined ? [...threads, { at: 0, slots: this.#start }] : threads;
      if (starts.length === 0) return found;
      const { waiting, matched } = this.#follow(starts, index, before, point);
      if (matched !== undefined) found = matched;
      if (point < 0) return found;
      threads = waiting.filter(({ at }) => this.#takes(at, point)).map(({ at, slots }) => ({ at: at + 1, slots }));
      before = point;
      index += point > 0xffff ? 2 : 1;
    }
  }

  /** Follows what takes no character, in order of preference, up to the first match. */
  #follow(
    starts: readonly Thread[],
    index: number,
    before: number,
    point: number,
  ): { waiting: Thread[]; matched: Slots | undefined } {
    const waiting: Thread[] = [];
    const stack = starts.toReversed();
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { at, slots } = thread;
      if (this.#reached[at] === index) continue;
      this.#reached[at] = index;
      if (--this.#steps.left < 0) throw exhausted();
      const instruction = this.#program[at] as Instruction;
      switch (instruction.kind) {
        case 'match':
          return { waiting, matched: slots };
        case 'jump':
          stack.push({ at: instruction.to, slots });
          break;
        case 'split':
          stack.push({ at: instruction.second, slots }, { at: instruction.first, slots });
          break;
        case 'assert':
          if (holds(instruction.what, before, point)) stack.push({ at: at + 1, slots });
          break;
        case 'save':
          this.#steps.left -= slots.length;
          stack.push({ at: at + 1, slots: slots.with(instruction.slot, index) });
          break;
        case 'chars':
          waiting.push(thread);
      }
    }
    return { waiting, matched: undefined };
  }

  #takes(at: number, point: number): boolean {
    const instruction = this.#program[at] as Instruction;
    return instruction.kind === 'chars' && has(instruction.set, point);
  }
}

function exhausted(): RegistryError {
  return new RegistryError('resource_exhausted', 'the pattern takes too long; make it shorter or repeat less');
}
