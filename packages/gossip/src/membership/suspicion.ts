/**
 * How long a suspected member has to say that it is alive. The time starts long and shrinks with each further member
 * that suspects it, too: a member that accuses alone may be the slow one (Lifeguard, §IV-B; memberlist, suspicion.go).
 */

export interface SuspicionOptions {
  readonly nowMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Confirmations that bring the time to `minMs`. */
  readonly confirmationsMax: number;
  /** The first accuser. */
  readonly by: string;
}

export class Suspicion {
  readonly #options: SuspicionOptions;
  readonly #accusers: Set<string>;

  constructor(options: SuspicionOptions) {
    this.#options = options;
    this.#accusers = new Set([options.by]);
  }

  /** @returns false for an accuser that is known, or one too many: this is no news for others */
  confirm(by: string): boolean {
    if (this.#accusers.has(by) || this.#accusers.size > this.#options.confirmationsMax) return false;
    this.#accusers.add(by);
    return true;
  }

  /** When the member counts as dead, on the clock of `nowMs`. */
  get deadlineMs(): number {
    const { nowMs, minMs, maxMs, confirmationsMax } = this.#options;
    if (confirmationsMax === 0) return nowMs + minMs;
    const confirmations = this.#accusers.size - 1;
    const share = Math.log(confirmations + 1) / Math.log(confirmationsMax + 1);
    return nowMs + Math.max(minMs, maxMs - (maxMs - minMs) * share);
  }
}
