/**
 * Remembers which numbers of a sender have arrived, so that a recorded datagram is taken once only: a sliding window as in
 * RFC 4303 §3.4.3. What is older than the window counts as seen.
 */

/** Numbers below the highest that may still arrive. Datagrams overtake each other, and streams are slower than these. */
const windowSize = 1_024;

export class ReplayWindow {
  readonly #seen = new Uint32Array(windowSize / 32);
  #highest = -1;

  /** @returns false for a number that was taken before, or is too old */
  take(number: number): boolean {
    if (number <= this.#highest - windowSize) return false;
    if (number > this.#highest) {
      const first = Math.max(this.#highest + 1, number - windowSize + 1);
      for (let fresh = first; fresh <= number; fresh++) this.#clear(fresh);
      this.#highest = number;
    } else if (this.#has(number)) return false;
    this.#set(number);
    return true;
  }

  #has(number: number): boolean {
    return ((this.#seen[this.#word(number)] as number) & this.#bit(number)) !== 0;
  }

  #set(number: number): void {
    const word = this.#word(number);
    this.#seen[word] = (this.#seen[word] as number) | this.#bit(number);
  }

  #clear(number: number): void {
    const word = this.#word(number);
    this.#seen[word] = (this.#seen[word] as number) & ~this.#bit(number);
  }

  #word(number: number): number {
    return Math.floor((number % windowSize) / 32);
  }

  #bit(number: number): number {
    return 1 << (number % 32);
  }
}
