/**
 * Hedged requests: when an answer takes longer than nearly all answers do, the same request goes to a second
 * endpoint, and the first answer counts (J. Dean, L. A. Barroso, "The Tail at Scale", CACM 56(2), 2013). This
 * file decides when to hedge, and limits the number of hedges: under overload every answer is slow, and hedges
 * would add load. While this process itself is held up, answers seem late, and hedges would hold it up more. So
 * the time in which it was held up does not count as waiting. Only requests that may be made twice and have no
 * body are hedged, each once.
 */

import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import type { Clock } from '../clock.ts';
import { wasHeldUp } from './held-up.ts';
import { LatencyWindow } from './latency-window.ts';
import { RetryBudget } from './retry-budget.ts';

export interface HedgingOptions {
  /** Share of the answers that arrive before a hedge is sent, from 0.5 up to, but not including, 1. 0.99 by default. */
  readonly percentile?: number;
  /** Shortest wait before a hedge, in milliseconds, 0 or more. 10 by default. */
  readonly delayMinMs?: number;
  /** Wait before a hedge while fewer than 100 answers are known, in milliseconds, 0 or more. 1,000 by default. */
  readonly initialDelayMs?: number;
  /** Largest share of the requests of the last ten seconds that is hedged, 0 or more. 0.05 by default. */
  readonly maxShare?: number;
}

const hedgingOptions: OptionNames<HedgingOptions> = {
  percentile: true, delayMinMs: true, initialDelayMs: true, maxShare: true,
};

/** Number of hedges that are always allowed, so that hedging also helps clients with little traffic. */
const hedgesPerSecond = 1;
/** Least number of answers for a percentile. */
const samplesMin = 100;
/** Age up to which answers count. */
const windowMs = 60_000;
/** The percentile is computed again after this many answers: it costs a pass over the histogram. */
const answersPerRead = 64;

/** A request that may be hedged. */
export interface Hedgeable {
  /** No answer has come for this time. */
  hedge(delayMs: number): void;
}

/** A request in the list of waiting requests. */
export interface Waiting {
  readonly request: Hedgeable;
  /** On a clock that stops while this process is held up. */
  readonly sentAt: number;
  previous: Waiting | undefined;
  next: Waiting | undefined;
}

/**
 * All requests wait equally long, so the list is in the order in which they are due, and one timer serves them: a
 * timer for each request would cost more than choosing its endpoint.
 */
export class Hedging {
  readonly #clock: Clock;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #stopTimer: (() => void) | undefined;
  readonly #percentile: number;
  readonly #delayMinMs: number;
  readonly #budget: RetryBudget;
  readonly #answers = new LatencyWindow(windowMs);
  #delayMs: number;
  #sinceRead = 0;
  /** When the timer is due. */
  #dueAt = 0;
  /** Milliseconds for which this process was held up while requests waited. */
  #heldUpMs = 0;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(clock: Clock, options: HedgingOptions = {}) {
    const { percentile = 0.99, delayMinMs = 10, initialDelayMs = 1_000, maxShare = 0.05 } = options;
    checkKnown(options, hedgingOptions, 'hedging');
    checkRange(percentile >= 0.5 && percentile < 1, 'hedging.percentile', percentile, 'from 0.5 up to, but not including, 1');
    checkRange(delayMinMs >= 0, 'hedging.delayMinMs', delayMinMs, '0 or more');
    checkRange(initialDelayMs >= 0, 'hedging.initialDelayMs', initialDelayMs, '0 or more');
    checkRange(maxShare >= 0 && maxShare < Infinity, 'hedging.maxShare', maxShare, '0 or more');
    this.#clock = clock;
    this.#percentile = percentile;
    this.#delayMinMs = delayMinMs;
    this.#delayMs = initialDelayMs;
    this.#budget = new RetryBudget({ share: maxShare, perSecond: hedgesPerSecond });
  }

  /**
   * A request was sent for the first time; its callback is called when its answer takes long.
   * @returns the argument for `ended`
   */
  sent(request: Hedgeable, now: number): Waiting {
    this.#budget.deposit(now);
    const waiting: Waiting = { request, sentAt: now - this.#heldUpMs, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
    if (this.#stopTimer === undefined) this.#arm(waiting, now);
    return waiting;
  }

  /** Ends the wait of a request; idempotent. */
  ended(waiting: Waiting): void {
    const { previous, next } = waiting;
    if (previous === undefined && this.#first !== waiting) return;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    waiting.previous = undefined;
    waiting.next = undefined;
  }

  /** Whether a hedge may be sent now. */
  allows(now: number): boolean {
    return this.#budget.balance(now) >= 1;
  }

  /** For display. */
  explain(now: number): { readonly delayMs: number; readonly left: number; readonly heldUpMs: number } {
    return { delayMs: this.#delayMs, left: Math.floor(this.#budget.balance(now)), heldUpMs: this.#heldUpMs };
  }

  /** A hedge is sent. */
  spend(now: number): void {
    this.#budget.withdraw(now);
  }

  /** A request was answered this long after its first try began. */
  answered(latencyMs: number, now: number): void {
    this.#answers.add(latencyMs, now);
    this.#sinceRead += 1;
    if (this.#sinceRead < answersPerRead) return;
    this.#sinceRead = 0;
    if (this.#answers.count(now) < samplesMin) return;
    const delayMs = Math.max(this.#delayMinMs, this.#answers.percentile(this.#percentile, now));
    if (delayMs === this.#delayMs) return;
    this.#delayMs = delayMs;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#first !== undefined) this.#arm(this.#first, now);
  }

  /** Once set, the timer continues with the next request that is due, even if the first has been answered. */
  #arm({ sentAt }: Waiting, now: number, leastMs = 0): void {
    const delayMs = Math.max(leastMs, sentAt + this.#heldUpMs + this.#delayMs - now);
    this.#dueAt = now + delayMs;
    this.#stopTimer = this.#clock.timer(delayMs, () => this.#turn());
  }

  #turn(): void {
    const now = this.#clock.monotonic();
    this.#stopTimer = undefined;
    const lateMs = now - this.#dueAt;
    if (wasHeldUp(lateMs, this.#delayMs)) {
      this.#heldUpMs += lateMs;
      // The process reads answers that have arrived before the next timer.
      if (this.#first !== undefined) this.#arm(this.#first, now, 1);
      return;
    }
    for (let waiting = this.#first; waiting !== undefined; waiting = this.#first) {
      if (waiting.sentAt + this.#heldUpMs + this.#delayMs > now) {
        this.#arm(waiting, now);
        return;
      }
      this.ended(waiting);
      waiting.request.hedge(this.#delayMs);
    }
  }
}
