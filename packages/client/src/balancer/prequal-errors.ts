/**
 * The cost of an endpoint's failures, for Prequal (`prequal.ts`). A server that fails at once has few requests in
 * flight and short latencies, so by its load it looks best and would get all the traffic (a sinkhole). Prequal
 * adds the share of failures, times the cost of a failure, to its latency; while that share is large, the
 * endpoint comes last, after all hot ones.
 *
 * The share is a moving average over requests that also fades with time, so that an endpoint without requests
 * is tried again.
 */

/** Share of a new outcome in the average: five failures in a row make two thirds. */
const outcomeShare = 0.2;

/** Time constant of fading, in milliseconds; as that of peak EWMA. */
const fadeMs = 10_000;

/** A larger share is not due to chance. One failure exceeds it for seven seconds, or until four successes. */
const failingShare = 0.1;

/** A smaller share counts as none. */
const negligible = 0.001;

export class PrequalErrors {
  readonly #failureMs: number;
  readonly #now: Float64Array;
  /** Failed share of each endpoint's requests as of `#stamps`, by index. */
  #shares = new Float64Array(0);
  #stamps = new Float64Array(0);
  /** Endpoints with a share above 0: mostly none, and then nothing is computed. */
  #charged = 0;
  /** By index, in milliseconds: what to add to an endpoint's latency. As of the last `refresh`. */
  charges = new Float64Array(0);
  /** By index: 1 for those with a large share. As of the last `refresh`. */
  failing = new Uint8Array(0);

  /** @param now time of the call under way, in milliseconds, in a typed array of one: see `PrequalPool` */
  constructor(failureMs: number, now: Float64Array) {
    this.#failureMs = failureMs;
    this.#now = now;
  }

  /** @param before each endpoint's index in the list before; −1 for a new one */
  update(before: Int32Array): void {
    const [shares, stamps] = [this.#shares, this.#stamps];
    this.#shares = Float64Array.from(before, (index) => shares[index] ?? 0);
    this.#stamps = Float64Array.from(before, (index) => stamps[index] ?? 0);
    this.charges = new Float64Array(before.length);
    this.failing = new Uint8Array(before.length);
    this.#charged = this.#shares.reduce((count, share) => count + (share > 0 ? 1 : 0), 0);
  }

  observe(index: number, failed: boolean): void {
    const now = this.#now[0] as number;
    const share = this.#shares[index] as number;
    if (!failed && share === 0) return;
    const faded = share * Math.exp(-Math.max(0, now - (this.#stamps[index] as number)) / fadeMs);
    const newer = faded + outcomeShare * ((failed ? 1 : 0) - faded);
    this.#shares[index] = newer < negligible ? 0 : newer;
    this.#stamps[index] = now;
    if (share === 0) this.#charged += 1;
    if (newer >= negligible) return;
    this.#charged -= 1;
    this.charges[index] = 0;
    this.failing[index] = 0;
  }

  /** Brings the charges up to date. O(endpoints), but only while there are failures. */
  refresh(): void {
    if (this.#charged === 0) return;
    const now = this.#now[0] as number;
    for (let index = 0; index < this.#shares.length; index++) {
      const share = this.#shares[index] as number;
      if (share === 0) continue;
      const past = Math.max(0, now - (this.#stamps[index] as number));
      const faded = share * Math.exp(-past / fadeMs);
      this.charges[index] = faded * this.#failureMs;
      this.failing[index] = faded > failingShare ? 1 : 0;
    }
  }
}
