/** Numbers for commands of four letters: of the whole port, and of one client. */

export class Statistics {
  /** Packets. */
  received = 0;
  sent = 0;
  lastOperation = 'NA';
  #answers = 0;
  #sumMs = 0;
  #leastMs = Infinity;
  #mostMs = 0;
  #lastMs = 0;

  /** @param ms from the arrival of a request to its answer */
  answered(ms: number): void {
    this.#answers++;
    this.#sumMs += ms;
    this.#leastMs = Math.min(this.#leastMs, ms);
    this.#mostMs = Math.max(this.#mostMs, ms);
    this.#lastMs = ms;
  }

  /** Begins anew, as after a start. */
  reset(): void {
    this.received = 0;
    this.sent = 0;
    this.lastOperation = 'NA';
    this.#answers = 0;
    this.#sumMs = 0;
    this.#leastMs = Infinity;
    this.#mostMs = 0;
    this.#lastMs = 0;
  }

  /** Milliseconds, as ZooKeeper prints them: whole ones, and the mean with a digit. */
  get latency(): { readonly least: number; readonly mean: string; readonly most: number; readonly last: number } {
    const mean = this.#answers === 0 ? '0.0' : (Math.round((this.#sumMs / this.#answers) * 10_000) / 10_000).toString();
    const least = this.#answers === 0 ? 0 : this.#leastMs;
    return { least: Math.floor(least), mean: mean.includes('.') ? mean : `${mean}.0`, most: Math.floor(this.#mostMs), last: Math.floor(this.#lastMs) };
  }
}
