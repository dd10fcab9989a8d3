/**
 * Counts what became of the requests to one service, for reports to the registry: how many, how many failed, and how long their answers took.
 * Counting writes to two arrays of fixed size: it allocates nothing and takes a few nanoseconds.
 *
 * Latencies are counted in buckets whose width grows with them, four for each power of two (as HdrHistogram does with more, hdrhistogram.org), so a
 * quantile is at most a quarter too large.
 */

import type { OutcomeResult } from '../balancer/balancer.ts';

/** Counts since the last `take`. */
export interface TakenCounts {
  readonly picks: number;
  readonly failures: number;
  /** Of the requests that an endpoint answered, or failed to answer after they were sent; absent without one. */
  readonly meanMs?: number;
  readonly p99Ms?: number;
}

/** Positions in the array of counts; buckets follow. */
const picks = 0;
const failures = 1;
const timed = 2;
const firstBucket = 3;

/** The smallest bucket is a sixteenth of a millisecond wide. */
const unitsPerMs = 16;
/** Longer latencies count as this long, in milliseconds: 2.8 hours. */
const latencyMsMax = 10_000_000;
const bucketCount = 4 * 27;

export class PickCounts {
  readonly #counts = new Uint32Array(firstBucket + bucketCount);
  /** A field that holds a fraction would allocate with each write. */
  readonly #sumMs = new Float64Array(1);

  observe(result: OutcomeResult, latencyMs: number): void {
    const counts = this.#counts;
    counts[picks]!++;
    if (result === 'cancelled') return;
    if (result !== 'ok') counts[failures]!++;
    // Nothing was sent.
    if (result === 'unreachable') return;
    counts[timed]!++;
    this.#sumMs[0]! += latencyMs;
    counts[firstBucket + bucketOf(latencyMs)]!++;
  }

  /** The counts since the last call; undefined when there was no request. */
  take(): TakenCounts | undefined {
    const counts = this.#counts;
    if (counts[picks] === 0) return undefined;
    const taken = { picks: counts[picks] as number, failures: counts[failures] as number };
    const answered = counts[timed] as number;
    const times = answered === 0 ? {} : { meanMs: (this.#sumMs[0] as number) / answered, p99Ms: this.#quantile(Math.ceil(answered * 0.99)) };
    counts.fill(0);
    this.#sumMs[0] = 0;
    return { ...taken, ...times };
  }

  /** The upper end of the bucket that contains the latency of this rank. */
  #quantile(rank: number): number {
    let left = rank;
    let bucket = -1;
    while (left > 0 && bucket < bucketCount - 1) left -= this.#counts[firstBucket + ++bucket] as number;
    return endOf(bucket);
  }
}

function bucketOf(latencyMs: number): number {
  const units = (Math.min(latencyMs, latencyMsMax) * unitsPerMs) | 0;
  if (units < 4) return units;
  const power = 31 - Math.clz32(units);
  return 4 * (power - 1) + ((units >>> (power - 2)) & 3);
}

/** The upper end of a bucket, in milliseconds. */
function endOf(bucket: number): number {
  if (bucket < 4) return (bucket + 1) / unitsPerMs;
  const power = (bucket >> 2) + 1;
  return ((5 + (bucket & 3)) * 2 ** (power - 2)) / unitsPerMs;
}
