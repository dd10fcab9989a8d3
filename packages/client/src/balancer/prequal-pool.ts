/**
 * The latest reports that a Prequal balancer chooses from: at most a few, none old, each of another endpoint,
 * each used a few times. Part of Prequal (`prequal.ts`); it draws no random numbers and sends no probes.
 *
 * A report loses accuracy with age and with each request sent after it. So each use of a report adds one
 * request to it, and unused reports are removed, by turns the oldest and the worst. Otherwise the pool would
 * fill with reports that no pick uses.
 *
 * Slots 0 to size − 1 are taken; a free one is filled by the last. Fractions stay in typed arrays:
 * V8 boxes those that a call takes or returns, whenever it does not inline the call.
 */

import type { LoadReport } from '../load-report/load-report.ts';
import type { EndpointFigures } from './balancer.ts';

/** Ranks of endpoints, the better the lower. */
const cold = 0;
const hot = 1;
const failing = 2;

/** In place of a latency. */
const unknown = -1;

/** More requests than any endpoint has in flight. */
const never = 2 ** 31 - 1;

export class PrequalPool {
  #size = 0;
  /** Fewest requests in flight of those whose latency is known. */
  #leastKnown = never;
  #sizeMax: number;
  readonly #now: Float64Array;
  /** By slot: the endpoint's index in the list, its requests in flight, when that was heard. */
  readonly indices: Int32Array;
  readonly inFlight: Int32Array;
  readonly #latencies: Float64Array;
  readonly #heardAt: Float64Array;
  /** Times that the report may still be used, a whole number. */
  readonly #usesLeft: Int32Array;
  /** By slot: the expected cost of a request there, in milliseconds, and whether it is likely to fail. */
  readonly #costs: Float64Array;
  readonly #failing: Uint8Array;

  /**
   * @param sizeMax 1 or more
   * @param now time of the call under way, in milliseconds; set by the caller
   */
  constructor(sizeMax: number, now: Float64Array) {
    this.#sizeMax = sizeMax;
    this.#now = now;
    this.indices = new Int32Array(sizeMax);
    this.inFlight = new Int32Array(sizeMax);
    this.#latencies = new Float64Array(sizeMax);
    this.#heardAt = new Float64Array(sizeMax);
    this.#usesLeft = new Int32Array(sizeMax);
    this.#costs = new Float64Array(sizeMax);
    this.#failing = new Uint8Array(sizeMax);
  }

  get size(): number {
    return this.#size;
  }

  get sizeMax(): number {
    return this.#sizeMax;
  }

  /** @param sizeMax from 1 to that of the constructor; reports beyond it are removed, the oldest first */
  limit(sizeMax: number): void {
    this.#sizeMax = sizeMax;
    while (this.#size > sizeMax) this.remove(this.oldest());
  }

  /** The slot of an endpoint; −1 when there is none. */
  slotOf(index: number): number {
    for (let slot = 0; slot < this.#size; slot++) if (this.indices[slot] === index) return slot;
    return -1;
  }

  /** Reports of endpoints that are not excluded. @param excluded 1 for those that are, by index; undefined for none */
  countBesides(excluded: Uint8Array | undefined): number {
    if (excluded === undefined) return this.#size;
    let count = 0;
    for (let slot = 0; slot < this.#size; slot++) if (excluded[this.indices[slot] as number] === 0) count += 1;
    return count;
  }

  /**
   * Takes over a report as of now, unless a newer one of the same endpoint is there. When the pool is full, it
   * takes the place of the oldest. An endpoint that has finished no request yet counts as the fastest while it
   * has no more requests in flight than the least loaded endpoint with a known latency, and as hot beyond that.
   * If it always counted as the fastest, it would get all requests, and its own reports would raise the
   * threshold above its load.
   * @param inFlight that of the report, rounded
   * @param uses how often it may be used, a whole number
   */
  put(index: number, inFlight: number, { latencyMs }: LoadReport, uses: number): void {
    let slot = this.slotOf(index);
    if (slot !== -1 && (this.#heardAt[slot] as number) > (this.#now[0] as number)) return;
    if (slot === -1) slot = this.#size < this.#sizeMax ? this.#size++ : this.oldest();
    this.indices[slot] = index;
    this.inFlight[slot] = inFlight;
    this.#latencies[slot] = latencyMs ?? unknown;
    this.#heardAt[slot] = this.#now[0] as number;
    this.#usesLeft[slot] = uses;
  }

  /**
   * Drops reports older than `ageMs`, and sets the charges for failures.
   * @param charges milliseconds to add to the latency of each endpoint, by index
   * @param areFailing 1 for those that come last, by index
   */
  refresh(ageMs: number, charges: Float64Array, areFailing: Uint8Array): void {
    const oldest = (this.#now[0] as number) - ageMs;
    let least = never;
    for (let slot = this.#size - 1; slot >= 0; slot--) {
      if ((this.#heardAt[slot] as number) < oldest) {
        this.remove(slot);
        continue;
      }
      const index = this.indices[slot] as number;
      const latency = this.#latencies[slot] as number;
      this.#costs[slot] = Math.max(latency, 0) + (charges[index] as number);
      if (latency !== unknown) least = Math.min(least, this.inFlight[slot] as number);
      this.#failing[slot] = areFailing[index] as number;
    }
    this.#leastKnown = least;
  }

  /**
   * The hot–cold rule: the cheapest of the cold ones, or if all are hot the one with the fewest requests in
   * flight; failing endpoints only if there is no other.
   * @param threshold more requests in flight than this are hot
   * @param excluded as for `countBesides`
   * @returns a slot; −1 when there is none
   */
  best(threshold: number, excluded: Uint8Array | undefined): number {
    let best = -1;
    for (let slot = 0; slot < this.#size; slot++) {
      if (excluded !== undefined && excluded[this.indices[slot] as number] === 1) continue;
      if (best === -1 || this.#isBetter(slot, best, threshold)) best = slot;
    }
    return best;
  }

  /** The slot that `best` would choose last. The pool is not empty. */
  worst(threshold: number): number {
    let worst = 0;
    for (let slot = 1; slot < this.#size; slot++) if (this.#isBetter(worst, slot, threshold)) worst = slot;
    return worst;
  }

  /** The report of an endpoint as of `now`, for people; undefined when there is none that counts. */
  report(index: number, now: number, ageMaxMs: number, threshold: number): EndpointFigures['report'] {
    const slot = this.slotOf(index);
    const ageMs = now - (this.#heardAt[slot] ?? -Infinity);
    if (slot === -1 || ageMs > ageMaxMs) return undefined;
    const inFlight = this.inFlight[slot] as number;
    return { inFlight, latencyMs: this.#latencies[slot] as number, ageMs, hot: inFlight > threshold };
  }

  /** The pool is not empty. */
  oldest(): number {
    let oldest = 0;
    for (let slot = 1; slot < this.#size; slot++) {
      if ((this.#heardAt[slot] as number) < (this.#heardAt[oldest] as number)) oldest = slot;
    }
    return oldest;
  }

  /** Counts a request that is sent to the endpoint after its report. */
  use(slot: number): void {
    this.inFlight[slot] = (this.inFlight[slot] as number) + 1;
    const left = (this.#usesLeft[slot] as number) - 1;
    this.#usesLeft[slot] = left;
    if (left <= 0) this.remove(slot);
  }

  remove(slot: number): void {
    const last = --this.#size;
    this.indices[slot] = this.indices[last] as number;
    this.inFlight[slot] = this.inFlight[last] as number;
    this.#latencies[slot] = this.#latencies[last] as number;
    this.#heardAt[slot] = this.#heardAt[last] as number;
    this.#usesLeft[slot] = this.#usesLeft[last] as number;
    this.#costs[slot] = this.#costs[last] as number;
    this.#failing[slot] = this.#failing[last] as number;
  }

  /** Keeps the reports of endpoints that stay. @param moved new index of each old one; −1 for endpoints that left */
  renumber(moved: Int32Array): void {
    for (let slot = this.#size - 1; slot >= 0; slot--) {
      const index = moved[this.indices[slot] as number] as number;
      if (index === -1) this.remove(slot);
      else this.indices[slot] = index;
    }
  }

  #isBetter(a: number, b: number, threshold: number): boolean {
    const rank = this.#rank(a, threshold);
    const other = this.#rank(b, threshold);
    if (rank !== other) return rank < other;
    if (rank === hot) return (this.inFlight[a] as number) < (this.inFlight[b] as number);
    const cost = (this.#costs[a] as number) - (this.#costs[b] as number);
    return cost === 0 ? (this.inFlight[a] as number) < (this.inFlight[b] as number) : cost < 0;
  }

  #rank(slot: number, threshold: number): number {
    if (this.#failing[slot] === 1) return failing;
    const limit = this.#latencies[slot] === unknown ? Math.min(threshold, this.#leastKnown) : threshold;
    return (this.inFlight[slot] as number) > limit ? hot : cold;
  }
}
