/**
 * Hedged requests: when an answer takes longer than nearly all answers do, the same request goes to a
 * second endpoint, and the first answer counts (J. Dean, L. A. Barroso, "The Tail at Scale", CACM 56(2),
 * 2013). This file says when, and how many there may be: under overload every answer takes long, and hedges
 * would only add to it. Only requests that may be made twice and have no body are hedged, each once.
 */

import { LatencyWindow } from './latency-window.ts';
import { RetryBudget } from './retry-budget.ts';

export interface HedgingOptions {
  /** Share of the answers that come before a hedge is sent, from 0.5 up to, but not including, 1. 0.99 by default. */
  readonly percentile?: number;
  /** Shortest wait before a hedge, in milliseconds, 0 or more. 10 by default. */
  readonly delayMinMs?: number;
  /** Wait before a hedge while fewer than 100 answers are known, in milliseconds. 1,000 by default. */
  readonly initialDelayMs?: number;
  /** Largest share of the requests of the last ten seconds that is hedged, 0 or more. 0.05 by default. */
  readonly maxShare?: number;
}

/** On top of the share, so that clients with little traffic are helped, too. */
const hedgesPerSecond = 1;
/** Answers that a percentile needs. */
const samplesMin = 100;
/** How far back answers count. */
const windowMs = 60_000;
/** The percentile is read anew after so many answers: reading costs a pass over the histogram. */
const answersPerRead = 64;

export class Hedging {
  readonly #percentile: number;
  readonly #delayMinMs: number;
  readonly #budget: RetryBudget;
  readonly #answers = new LatencyWindow(windowMs);
  #delayMs: number;
  #sinceRead = 0;

  constructor({ percentile = 0.99, delayMinMs = 10, initialDelayMs = 1_000, maxShare = 0.05 }: HedgingOptions = {}) {
    this.#percentile = percentile;
    this.#delayMinMs = delayMinMs;
    this.#delayMs = initialDelayMs;
    this.#budget = new RetryBudget({ share: maxShare, perSecond: hedgesPerSecond });
  }

  /** How long to wait for an answer before a hedge, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** A request was sent for the first time. */
  sent(now: number): void {
    this.#budget.deposit(now);
  }

  /** Whether a hedge may be sent; it counts as sent. */
  allows(now: number): boolean {
    return this.#budget.withdraw(now);
  }

  /** A request was answered so long after its first try began. */
  answered(latencyMs: number, now: number): void {
    this.#answers.add(latencyMs, now);
    this.#sinceRead += 1;
    if (this.#sinceRead < answersPerRead) return;
    this.#sinceRead = 0;
    if (this.#answers.count(now) < samplesMin) return;
    this.#delayMs = Math.max(this.#delayMinMs, this.#answers.percentile(this.#percentile, now));
  }
}
