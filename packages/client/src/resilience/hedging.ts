/**
 * Hedged requests: when an answer takes longer than nearly all answers do, the same request goes to a
 * second endpoint, and the first answer counts (J. Dean, L. A. Barroso, "The Tail at Scale", CACM 56(2),
 * 2013). This file says when; only requests that may be made twice and have no body are hedged, each once,
 * and each hedge is paid from the retry budget.
 */

import { LatencyWindow } from './latency-window.ts';

export interface HedgingOptions {
  /** Share of the answers that come before a hedge is sent, from 0.5 up to, but not including, 1. 0.99 by default. */
  readonly percentile?: number;
  /** Shortest wait before a hedge, in milliseconds, 0 or more. 10 by default. */
  readonly delayMinMs?: number;
  /** Longest wait before a hedge, in milliseconds. 1,000 by default: also what is waited while little is known. */
  readonly delayMaxMs?: number;
}

/** Answers that a percentile needs; before that, the longest delay holds. */
const samplesMin = 100;
/** How far back answers count. */
const windowMs = 60_000;
/** The percentile is read anew after so many answers: reading costs a pass over the histogram. */
const answersPerRead = 64;

export class Hedging {
  readonly #percentile: number;
  readonly #delayMinMs: number;
  readonly #delayMaxMs: number;
  readonly #answers = new LatencyWindow(windowMs);
  #delayMs: number;
  #sinceRead = 0;

  constructor({ percentile = 0.99, delayMinMs = 10, delayMaxMs = 1_000 }: HedgingOptions = {}) {
    this.#percentile = percentile;
    this.#delayMinMs = delayMinMs;
    this.#delayMaxMs = delayMaxMs;
    this.#delayMs = delayMaxMs;
  }

  /** How long to wait for an answer before a hedge, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** A first try was answered after so long. */
  answered(latencyMs: number, now: number): void {
    this.#answers.add(latencyMs, now);
    this.#sinceRead += 1;
    if (this.#sinceRead < answersPerRead) return;
    this.#sinceRead = 0;
    if (this.#answers.count(now) < samplesMin) return;
    const usual = this.#answers.percentile(this.#percentile, now);
    this.#delayMs = Math.min(this.#delayMaxMs, Math.max(this.#delayMinMs, usual));
  }
}
