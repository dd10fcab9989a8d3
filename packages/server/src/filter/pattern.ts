/**
 * Regular expressions as Go's `regexp` reads and matches them, in time linear in the text: the operator
 * `matches` of filters, and the templates of prepared queries. The engine is `re2js`
 * (`docs/decisions/0053-re2js.md`). JavaScript's own engine backtracks: `(a+)+$` on forty characters would
 * stop the process for minutes.
 *
 * A match cannot be interrupted, so it is weighed before it begins: a step is one instruction of the
 * pattern on one character of the text: 4 to 24 ns, up to 50 in a process that has just begun. The caller says how many steps may be taken.
 */

import { RegistryError } from '@rollcall/protocol';
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { costOf } from './pattern-cost.ts';

/** The work that is still allowed. */
export interface Steps {
  left: number;
}

/** Most characters of a pattern; go-bexpr intends to allow 512 in a value. */
const lengthMax = 1_024;

/** Most instructions of a pattern whose repetitions are written out. */
const instructionsMax = 2_000;

/** Enough to compile any pattern of usual size; it takes 8 ms, and 28 ms in a process that has just begun. */
export const compileStepsMax = 300_000;

export class Pattern {
  readonly #regexp: RE2JS;
  readonly #instructions: number;

  /**
   * @param steps decreases by the work of compiling
   * @throws RegistryError `invalid_argument` with the texts of Go's `regexp.Compile`, or for a pattern
   *   over a limit
   */
  constructor(pattern: string, steps: Steps = { left: compileStepsMax }) {
    if (pattern.length > lengthMax) throw invalid(`expression too long: ${pattern.length} characters, the limit is ${lengthMax}`);
    const cost = costOf(pattern);
    if (cost.instructions > instructionsMax) {
      throw invalid(`expression needs more than ${instructionsMax} instructions; repeat less`);
    }
    steps.left -= cost.steps;
    if (steps.left < 0) throw invalid('expression takes too long to compile; use fewer Unicode classes and smaller ranges');
    try {
      this.#regexp = RE2JS.compile(pattern);
    } catch (error) {
      if (!(error instanceof RE2JSSyntaxException)) throw error;
      throw invalid(`${error.getDescription()}: \`${error.getPattern() ?? ''}\``);
    }
    this.#instructions = this.#regexp.programSize();
  }

  /** Groups of the pattern, without the whole match. */
  get groups(): number {
    return this.#regexp.groupCount();
  }

  /**
   * Whether the pattern matches anywhere in the text.
   * @throws RegistryError `resource_exhausted` when that may take more steps than are left
   */
  test(text: string, steps: Steps): boolean {
    this.#spend(text, steps);
    return this.#regexp.matcher(text).find();
  }

  /**
   * The whole match and then the text of each group, empty for a group that took no part; undefined if
   * the pattern does not match.
   * @throws RegistryError like `test`
   */
  match(text: string, steps: Steps): readonly string[] | undefined {
    this.#spend(text, steps);
    const found = this.#regexp.exec(text);
    return found === null ? undefined : Array.from(found, (group: string | undefined) => group ?? '');
  }

  #spend(text: string, steps: Steps): void {
    steps.left -= this.#instructions * (text.length + 1);
    if (steps.left < 0) throw new RegistryError('resource_exhausted', 'the pattern takes too long; make it shorter or repeat less');
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', `error parsing regexp: ${message}`);
}
