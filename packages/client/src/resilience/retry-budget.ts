/**
 * A budget for retries: a share of the requests of the last ten seconds may be retried, and always a small number a
 * second, so that clients with little traffic can retry. When every endpoint fails, the load
 * grows by the share and not by the number of tries. After Finagle (twitter/finagle, service/RetryBudget.scala:
 * 20 %, 10 a second, a window of 10 s), with the window kept in ten slices. Unlike there, the number a second
 * is a minimum and is not added to the share.
 */

import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';

export interface RetryBudgetOptions {
  /** Retries that each request earns, 0 or more. 0.2 by default. */
  readonly share?: number;
  /**
   * Retries a second that are always allowed, 0 or more; those of a whole window may come at once. 10 by default.
   */
  readonly perSecond?: number;
  /** How long requests and retries count, in milliseconds; more than 0. 10,000 by default. */
  readonly windowMs?: number;
}

const budgetOptions: OptionNames<RetryBudgetOptions> = { share: true, perSecond: true, windowMs: true };

const slices = 10;

export class RetryBudget {
  readonly #share: number;
  readonly #least: number;
  readonly #sliceMs: number;
  /** Retries that requests have earned, and retries that were made, by slice of the window. */
  readonly #earned = new Float64Array(slices);
  readonly #spent = new Float64Array(slices);
  /** Number of the newest slice since the clock's zero. */
  #newest = -Infinity;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(options: RetryBudgetOptions = {}) {
    const { share = 0.2, perSecond = 10, windowMs = 10_000 } = options;
    checkKnown(options, budgetOptions, 'retryBudget');
    checkRange(share >= 0 && share < Infinity, 'retryBudget.share', share, '0 or more');
    checkRange(perSecond >= 0 && perSecond < Infinity, 'retryBudget.perSecond', perSecond, '0 or more');
    checkRange(windowMs > 0 && windowMs < Infinity, 'retryBudget.windowMs', windowMs, 'more than 0');
    this.#share = share;
    this.#least = (perSecond * windowMs) / 1000;
    this.#sliceMs = windowMs / slices;
  }

  /** Counts a request (not a retry). */
  deposit(now: number): void {
    add(this.#earned, this.#turn(now), this.#share);
  }

  /** Takes one retry out of the budget; false when there is none left. */
  withdraw(now: number): boolean {
    if (this.balance(now) < 1) return false;
    add(this.#spent, this.#turn(now), 1);
    return true;
  }

  /** Retries that can be made now; not a whole number. */
  balance(now: number): number {
    this.#turn(now);
    // Because of rounding, twenty deposits of 0.2 add up to slightly less than four.
    return Math.max(sum(this.#earned), this.#least) - sum(this.#spent) + 1e-9;
  }

  /** Clears the slices that left the window. @returns the index of the present slice */
  #turn(now: number): number {
    const current = Math.floor(now / this.#sliceMs);
    if (current > this.#newest) {
      const first = Math.max(this.#newest + 1, current - slices + 1);
      for (let slice = first; slice <= current; slice++) {
        this.#earned[slice % slices] = 0;
        this.#spent[slice % slices] = 0;
      }
      this.#newest = current;
    }
    return this.#newest % slices;
  }
}

function add(sums: Float64Array, index: number, amount: number): void {
  sums[index] = (sums[index] as number) + amount;
}

function sum(sums: Float64Array): number {
  let all = 0;
  for (const one of sums) all += one;
  return all;
}
