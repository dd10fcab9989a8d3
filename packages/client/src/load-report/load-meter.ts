/**
 * Measures a server's load: how many requests are in flight, and the latency of one that arrives now. It is the
 * server half of Prequal (B. Wydrowski et al., "Load is not what you should balance: Introducing Prequal", NSDI
 * 2024, §4.1): the latency is the median of recent requests that arrived at about the same load. It reports
 * nothing itself; `http-reports.ts` and `grpc-reports.ts` do.
 *
 * The latest samples are kept in a ring. An estimate takes those 128 whose load at arrival is nearest to the
 * load now, newer ones first among equals. Fewer would be worse than none: all clients send to the server that
 * looks fastest, even when it looks so only by chance.
 */

import { type Clock, systemClock } from '../clock.ts';
import type { LoadReport } from './load-report.ts';

/**
 * How a request ended: `ok`, answered; `failed`, answered with an error, which is often fast and does not show
 * the load; `cancelled`, abandoned by its caller.
 */
export type MeteredResult = 'ok' | 'failed' | 'cancelled';

/** A report of this meter always has the requests in flight. */
export interface MeteredReport extends LoadReport {
  readonly inFlight: number;
}

/** A request in flight. */
export interface MeteredRequest {
  /** Ends it; only the first call counts. The caller of `begin` must call it in every case, or the load only grows. */
  end(result: MeteredResult): void;
}

/** Samples that an estimate uses, if there are enough. */
const nearestCount = 128;

/** Samples that are kept: recent ones at several levels of load. A power of two. */
const ringSize = 1024;

/** Older samples are not used, in milliseconds. */
const sampleAgeMs = 60_000;

/** Higher loads count as this one. */
const loadMax = 1023;

export class LoadMeter {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #utilization: () => number | undefined;
  #inFlight = 0;
  /** Numbers of samples taken and dropped so far; the samples between are kept, each at its number modulo the size. */
  #taken = 0;
  #dropped = 0;
  readonly #latencies = new Float64Array(ringSize);
  readonly #loads = new Int32Array(ringSize);
  readonly #stamps = new Float64Array(ringSize);
  /** Number of samples kept for each load. */
  readonly #countAt = new Int32Array(loadMax + 1);
  readonly #nearest = new Float64Array(nearestCount);

  /**
   * @param clock replaced in tests
   * @param utilization called with each report: the server's utilisation, 1 for full; undefined when it is
   *   unknown. `eventLoopUtilization()` where JavaScript limits the server.
   */
  constructor(clock: Pick<Clock, 'monotonic'> = systemClock, utilization: () => number | undefined = () => undefined) {
    this.#clock = clock;
    this.#utilization = utilization;
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

  /** The load that an arriving request would see now. */
  report(): MeteredReport {
    return this.#report(this.#inFlight);
  }

  /** The load without the request that is being answered: the report for its answer. */
  reportWithAnswer(): MeteredReport {
    return this.#report(Math.max(0, this.#inFlight - 1));
  }

  #report(inFlight: number): MeteredReport {
    const latencyMs = this.#latencyAt(inFlight, this.#clock.monotonic());
    const utilization = this.#utilization();
    return { inFlight, ...(latencyMs !== undefined && { latencyMs }), ...(utilization !== undefined && { utilization }) };
  }

  /** An abandoned request took at least that long, so it counts only if its time exceeds the estimate. */
  #tells(result: MeteredResult, latencyMs: number, now: number): boolean {
    if (result !== 'cancelled') return result === 'ok';
    const usual = this.#latencyAt(this.#inFlight, now);
    return usual === undefined || latencyMs > usual;
  }

  #sample(latencyMs: number, load: number, now: number): void {
    if (this.#taken - this.#dropped === ringSize) this.#drop();
    const at = this.#taken++ & (ringSize - 1);
    const level = Math.min(load, loadMax);
    this.#latencies[at] = latencyMs;
    this.#loads[at] = level;
    this.#stamps[at] = now;
    this.#countAt[level] = (this.#countAt[level] as number) + 1;
  }

  #drop(): void {
    const level = this.#loads[this.#dropped++ & (ringSize - 1)] as number;
    this.#countAt[level] = (this.#countAt[level] as number) - 1;
  }

  /** Median of the nearest samples. O(samples kept), mostly O(128). */
  #latencyAt(inFlight: number, now: number): number | undefined {
    while (this.#dropped < this.#taken && now - (this.#stamps[this.#dropped & (ringSize - 1)] as number) > sampleAgeMs) this.#drop();
    const wanted = Math.min(this.#taken - this.#dropped, nearestCount);
    if (wanted === 0) return undefined;
    const load = Math.min(inFlight, loadMax);
    let distance = 0;
    let nearer = 0;
    for (let within = this.#countNear(load, 0); within < wanted; within += this.#countNear(load, distance)) {
      nearer = within;
      distance += 1;
    }
    let outermost = wanted - nearer;
    let count = 0;
    for (let sample = this.#taken - 1; count < wanted; sample--) {
      const at = sample & (ringSize - 1);
      const away = Math.abs((this.#loads[at] as number) - load);
      if (away < distance || (away === distance && outermost-- > 0)) this.#nearest[count++] = this.#latencies[at] as number;
    }
    return select(this.#nearest, count, (count - 1) >> 1);
  }

  /** Samples whose load differs by exactly this much. */
  #countNear(load: number, distance: number): number {
    const above = this.#countAt[load + distance] ?? 0;
    return distance === 0 ? above : above + (this.#countAt[load - distance] ?? 0);
  }
}

/**
 * The value that would be at index `rank` if the first `count` were sorted; they change places. O(count)
 * on average (C. A. R. Hoare, "Algorithm 65: find", CACM 4(7), 1961).
 */
function select(values: Float64Array, count: number, rank: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = values[rank] as number;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] as number) < pivot) left += 1;
      while ((values[right] as number) > pivot) right -= 1;
      if (left > right) break;
      const swapped = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = swapped;
    }
    if (right < rank) low = left;
    if (left > rank) high = right;
  }
  return values[rank] as number;
}
