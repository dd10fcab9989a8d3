/**
 * How many requests in flight make an endpoint hot: a quantile of those that endpoints reported
 * lately. Part of Prequal (`prequal.ts`).
 */

/** Number of reports under the quantile; with three reports a request, those of the last 43 requests. */
const reportsKept = 128;

/** More requests than any endpoint has in flight. */
const never = 2 ** 31 - 1;

export class PrequalThreshold {
  readonly #quantile: number;
  readonly #ring = new Int32Array(reportsKept);
  /** The same values in ascending order. */
  readonly #sorted = new Int32Array(reportsKept);
  #count = 0;
  /** Position of the next value in the ring; when the ring is full, the oldest value is there. */
  #next = 0;

  /** @param quantile from 0 (only the least loaded are cold) to 1 (none is ever hot) */
  constructor(quantile: number) {
    this.#quantile = quantile;
  }

  /** An endpoint is hot when it has more requests in flight than this. */
  get value(): number {
    if (this.#quantile >= 1 || this.#count === 0) return never;
    return this.#sorted[Math.floor(this.#quantile * this.#count)] as number;
  }

  /** @param inFlight a whole number; O(reports kept), in one move of memory */
  hear(inFlight: number): void {
    const sorted = this.#sorted;
    if (this.#count === reportsKept) {
      const out = this.#placeOf(this.#ring[this.#next] as number);
      sorted.copyWithin(out, out + 1, this.#count--);
    }
    const place = this.#placeOf(inFlight);
    sorted.copyWithin(place + 1, place, this.#count++);
    sorted[place] = inFlight;
    this.#ring[this.#next] = inFlight;
    this.#next = (this.#next + 1) % reportsKept;
  }

  /** Index of the first value that is not less. */
  #placeOf(value: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
