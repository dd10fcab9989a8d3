/** Looks at all deadlines again when any of them may have another owner; in slices, since there may be many. Knows no deadline itself. */

import { inTurns } from '../in-turns.ts';

export interface ReowningOptions {
  /** All rows that may have a deadline, by key. */
  readonly rows: () => Iterable<readonly [key: string, row: unknown]>;
  /** Looks at the owner of one of them. */
  readonly reown: (key: string) => void;
  readonly perTurn: number;
}

export class Reowning {
  readonly #options: ReowningOptions;
  /** Set while the deadlines are looked at; true: the owners have changed again meanwhile. */
  #run: { again: boolean } | undefined;
  #closed = false;

  constructor(options: ReowningOptions) {
    this.#options = options;
  }

  /** Any deadline may have another owner now. */
  begin(): void {
    if (this.#run !== undefined) {
      this.#run.again = true;
      return;
    }
    const run = { again: false };
    this.#run = run;
    void inTurns(this.#steps(run), this.#options.perTurn).finally(() => (this.#run = undefined));
  }

  close(): void {
    this.#closed = true;
  }

  /** Each step is one row. */
  *#steps(run: { again: boolean }): Generator<void, void, undefined> {
    do {
      run.again = false;
      for (const [key] of this.#options.rows()) {
        if (this.#closed) return;
        this.#options.reown(key);
        yield;
      }
    } while (run.again);
  }
}
