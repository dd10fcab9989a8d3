/**
 * Measures a server's load: how many requests are in flight, and how long one that arrives now will
 * take. It is the server half of Prequal (B. Wydrowski et al., "Load is not what you should balance:
 * Introducing Prequal", NSDI 2024, §4.1): the latency is the median of recent requests that arrived at about
 * the same load. It reports to nobody by itself; `node-http.ts`, `fastify.ts` and `grpc.ts` do.
 *
 * The latest samples are kept in a ring. An estimate takes those 128 whose load at arrival is nearest
 * to the load now, newer ones first among equals. Fewer would do worse than none: clients send to
 * whoever looks fastest, and what looks fastest by chance draws a herd.
 */

import { type Clock, systemClock } from '../clock.ts';
import type { LoadReport } from './load-report.ts';

/**
 * How a request ended: `ok`, answered; `failed`, answered that it cannot, which is often quick and
 * says nothing of the load; `cancelled`, nobody waits for the answer any more.
 */
export type MeteredResult = 'ok' | 'failed' | 'cancelled';

/** A request in flight. */
export interface MeteredRequest {
  /** Ends it; only the first call counts. Whoever began it must end it whatever happens, or the load only grows. */
  end(result: MeteredResult): void;
}

/** How many samples an estimate takes, as long as there are so many. */
const nearestCount = 128;

/** How many are kept: recent ones at several levels of load. A power of two. */
const ringSize = 1024;

/** Older samples are not recent, in milliseconds. */
const sampleAgeMs = 60_000;

/** An estimate is used again for the same load until so many requests later. */
const estimateSamples = 16;

/** Or until it is so old, in milliseconds. */
const estimateAgeMs = 100;

/** Loads further away than this are equally far. */
const distanceMax = 255;

/** Loads whose estimates are kept. */
const estimatesSize = 64;

export class LoadMeter {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #inFlight = 0;
  /** Samples ever taken; the newest is at `(#count − 1) mod ringSize`. */
  #count = 0;
  readonly #latencies = new Float64Array(ringSize);
  readonly #loads = new Float64Array(ringSize);
  readonly #stamps = new Float64Array(ringSize);
  readonly #atDistance = new Int32Array(distanceMax + 1);
  readonly #nearest = new Float64Array(nearestCount);
  /** By load modulo their number: whose estimate it is, at which count, when, and what. */
  readonly #estimateLoads = new Float64Array(estimatesSize).fill(-1);
  readonly #estimateCounts = new Float64Array(estimatesSize);
  readonly #estimateStamps = new Float64Array(estimatesSize);
  readonly #estimates = new Float64Array(estimatesSize);

  /** @param clock what a test drives */
  constructor(clock: Pick<Clock, 'monotonic'> = systemClock) {
    this.#clock = clock;
  }

  /** Requests begun and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** A request arrived. */
  begin(): MeteredRequest {
    const startedAt = this.#clock.monotonic();
    const load = this.#inFlight++;
    let over = false;
    return {
      end: (result) => {
        if (over) return;
        over = true;
        this.#inFlight -= 1;
        const now = this.#clock.monotonic();
        if (this.#tells(result, now - startedAt, now)) this.#sample(now - startedAt, load, now);
      },
    };
  }

  /** The load that a request would meet now. */
  report(): LoadReport {
    return this.#report(this.#inFlight);
  }

  /** The load as it will be when the request that is being answered is over: what its answer should say. */
  reportWithAnswer(): LoadReport {
    return this.#report(Math.max(0, this.#inFlight - 1));
  }

  #report(inFlight: number): LoadReport {
    const latencyMs = this.#latencyAt(inFlight, this.#clock.monotonic());
    return latencyMs === undefined ? { inFlight } : { inFlight, latencyMs };
  }

  /** A request that was given up took at least that long, which is news only if others took less. */
  #tells(result: MeteredResult, latencyMs: number, now: number): boolean {
    if (result !== 'cancelled') return result === 'ok';
    const usual = this.#latencyAt(this.#inFlight, now);
    return usual === undefined || latencyMs > usual;
  }

  #sample(latencyMs: number, load: number, now: number): void {
    const at = this.#count++ & (ringSize - 1);
    this.#latencies[at] = latencyMs;
    this.#loads[at] = load;
    this.#stamps[at] = now;
  }

  #latencyAt(load: number, now: number): number | undefined {
    const at = load & (estimatesSize - 1);
    const fresh =
      this.#estimateLoads[at] === load &&
      // A first sample is news at once.
      !Number.isNaN(this.#estimates[at]) &&
      this.#count - (this.#estimateCounts[at] as number) < estimateSamples &&
      now - (this.#estimateStamps[at] as number) < estimateAgeMs;
    if (!fresh) {
      this.#estimates[at] = this.#estimate(load, now);
      this.#estimateLoads[at] = load;
      this.#estimateCounts[at] = this.#count;
      this.#estimateStamps[at] = now;
    }
    const estimate = this.#estimates[at] as number;
    return Number.isNaN(estimate) ? undefined : estimate;
  }

  /** Median of the nearest samples; NaN when there is none. O(samples kept). */
  #estimate(load: number, now: number): number {
    const atDistance = this.#atDistance.fill(0);
    const kept = Math.min(this.#count, ringSize);
    const oldest = now - sampleAgeMs;
    let recent = 0;
    for (; recent < kept; recent++) {
      const at = this.#indexOf(recent);
      // In order of their ends: whatever follows is older still.
      if ((this.#stamps[at] as number) < oldest) break;
      const distance = this.#distance(at, load);
      atDistance[distance] = (atDistance[distance] as number) + 1;
    }
    if (recent === 0) return Number.NaN;
    const wanted = Math.min(recent, nearestCount);
    let within = 0;
    let nearer = 0;
    while (nearer + (atDistance[within] as number) < wanted) nearer += atDistance[within++] as number;
    let outermost = wanted - nearer;
    let taken = 0;
    for (let age = 0; age < recent && taken < wanted; age++) {
      const at = this.#indexOf(age);
      const distance = this.#distance(at, load);
      if (distance > within || (distance === within && outermost-- <= 0)) continue;
      this.#nearest[taken++] = this.#latencies[at] as number;
    }
    const sorted = this.#nearest.subarray(0, taken).sort();
    return ((sorted[(taken - 1) >> 1] as number) + (sorted[taken >> 1] as number)) / 2;
  }

  /** Of the sample that `age` samples followed. */
  #indexOf(age: number): number {
    return (this.#count - 1 - age) & (ringSize - 1);
  }

  #distance(at: number, load: number): number {
    return Math.min(distanceMax, Math.abs((this.#loads[at] as number) - load));
  }
}
