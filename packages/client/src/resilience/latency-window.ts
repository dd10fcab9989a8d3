/**
 * Latencies of the recent past as a histogram, for percentiles: buckets whose bounds grow by about 9 %, in two
 * halves of a window, so that old samples expire. A sample costs a logarithm and an increment; percentiles are
 * exact to 9 %.
 */

/** Buckets per doubling. */
const perDoubling = 8;
/** From 1/16 ms … */
const smallestMs = 2 ** -4;
/** … to 2¹⁷ ms, about two minutes. */
const buckets = 21 * perDoubling;

export class LatencyWindow {
  readonly #halfMs: number;
  #recent = new Uint32Array(buckets);
  #before = new Uint32Array(buckets);
  #recentCount = 0;
  #beforeCount = 0;
  #halfEnds = -Infinity;

  /** @param windowMs how long a sample counts: at least half of this, at most all of it; more than 0 */
  constructor(windowMs: number) {
    this.#halfMs = windowMs / 2;
  }

  /** Samples that count now. */
  count(now: number): number {
    this.#turn(now);
    return this.#recentCount + this.#beforeCount;
  }

  add(latencyMs: number, now: number): void {
    this.#turn(now);
    const bucket = bucketOf(latencyMs);
    this.#recent[bucket] = (this.#recent[bucket] as number) + 1;
    this.#recentCount += 1;
  }

  /**
   * The latency that this share of the samples did not exceed, in milliseconds, rounded up to a bound.
   * @param share from 0 to 1
   * @returns 0 without samples
   */
  percentile(share: number, now: number): number {
    let left = Math.ceil(share * this.count(now));
    if (left === 0) return 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      left -= (this.#recent[bucket] as number) + (this.#before[bucket] as number);
      if (left <= 0) return upperBound(bucket);
    }
    return upperBound(buckets - 1);
  }

  #turn(now: number): void {
    if (now < this.#halfEnds) return;
    const skipped = now >= this.#halfEnds + this.#halfMs;
    [this.#recent, this.#before] = [this.#before, this.#recent];
    this.#beforeCount = this.#recentCount;
    this.#recent.fill(0);
    this.#recentCount = 0;
    if (skipped) {
      this.#before.fill(0);
      this.#beforeCount = 0;
    }
    this.#halfEnds = now + this.#halfMs;
  }
}

function bucketOf(latencyMs: number): number {
  const bucket = Math.floor(Math.log2(Math.max(latencyMs, smallestMs) / smallestMs) * perDoubling);
  return Math.min(bucket, buckets - 1);
}

function upperBound(bucket: number): number {
  return smallestMs * 2 ** ((bucket + 1) / perDoubling);
}
