/** What the calls of a client came to, a line each: the name of the backend that answered, or `!` and the error. */

/** Ends a wait for what never happens, in milliseconds, and says which; shorter than the limit of a test. */
const waitMsMax = 100_000;

export class CallLines {
  readonly #waiting = new Set<() => void>();
  readonly #detail: () => string;
  #lines: string[] = [];

  /** @param detail what the client said besides, for the error of a wait */
  constructor(detail: () => string) {
    this.#detail = detail;
  }

  add(line: string): void {
    this.#lines.push(line);
    for (const check of this.#waiting) check();
  }

  /** Forgets what calls came to so far. */
  forget(): void {
    this.#lines = [];
  }

  /** How often each backend has answered since the last `forget`. */
  get answers(): Readonly<Record<string, number>> {
    const answers: Record<string, number> = {};
    for (const line of this.#lines) if (!line.startsWith('!')) answers[line] = (answers[line] ?? 0) + 1;
    return answers;
  }

  /** The calls that failed since the last `forget`. */
  get failures(): readonly string[] {
    return this.#lines.filter((line) => line.startsWith('!'));
  }

  /**
   * Waits until the last calls are as wanted.
   * @param isWanted judges the newest lines, as many as `count`
   * @throws Error when that takes longer than 100 s
   */
  until(what: string, isWanted: (lines: readonly string[]) => boolean, count = 20): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle();
      };
      const check = () => {
        const last = this.#lines.slice(-count);
        if (last.length === count && isWanted(last)) end(resolve);
      };
      const timer = setTimeout(() => end(() => reject(new Error(`${what} did not happen; the last calls: ${this.#lines.slice(-10).join(' | ')}; ${this.#detail().slice(-2_000)}`))), waitMsMax);
      this.#waiting.add(check);
      check();
    });
  }

  /** Waits until the newest calls were answered by these backends, all of them, and no other. */
  answeredBy(...names: readonly string[]): Promise<void> {
    const wanted = [...names].sort().join();
    return this.until(`answers of ${wanted}`, (lines) => [...new Set(lines)].sort().join() === wanted);
  }
}
