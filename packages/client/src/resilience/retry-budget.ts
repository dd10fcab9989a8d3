/**
 * A budget for retries: each request deposits a share of a retry, each retry withdraws one, and a
 * small reserve lets clients with little traffic retry at all. When every endpoint fails, the load
 * grows by the share only and not by the number of tries. As in Finagle (twitter/finagle,
 * service/RetryBudget.scala: 20 % of the requests of the last 10 s, plus 10 a second), with the
 * window kept in ten slices.
 */

import { demand } from '../balancer/demand.ts';

export interface RetryBudgetOptions {
  /** Retries that each request earns, 0 or more. 0.2 by default. */
  readonly share?: number;
  /** Retries a second on top, 0 or more; those of a whole window can be spent at once. 10 by default. */
  readonly perSecond?: number;
  /** How long a deposit and a withdrawal count, in milliseconds; more than 0. 10,000 by default. */
  readonly windowMs?: number;
}

const slices = 10;

export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  readonly #sliceMs: number;
  /** Deposits less withdrawals, in retries, by slice of the window. */
  readonly #sums = new Float64Array(slices);
  /** Number of the newest slice since the clock's zero. */
  #newest = -Infinity;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor({ share = 0.2, perSecond = 10, windowMs = 10_000 }: RetryBudgetOptions = {}) {
    demand(share >= 0 && share < Infinity, 'retryBudget.share', share, '0 or more');
    demand(perSecond >= 0 && perSecond < Infinity, 'retryBudget.perSecond', perSecond, '0 or more');
    demand(windowMs > 0 && windowMs < Infinity, 'retryBudget.windowMs', windowMs, 'more than 0');
    this.#share = share;
    this.#reserve = (perSecond * windowMs) / 1000;
    this.#sliceMs = windowMs / slices;
  }

  /** A request was made (not a retry). */
  deposit(now: number): void {
    this.#add(this.#share, now);
  }

  /** Takes one retry out of the budget; false when there is none left. */
  withdraw(now: number): boolean {
    if (this.balance(now) < 1) return false;
    this.#add(-1, now);
    return true;
  }

  /** Retries that can be made now; not a whole number. */
  balance(now: number): number {
    this.#turn(now);
    let sum = this.#reserve;
    for (const slice of this.#sums) sum += slice;
    // Twenty deposits of 0.2 make a hair less than four.
    return sum + 1e-9;
  }

  #add(amount: number, now: number): void {
    this.#turn(now);
    const index = this.#newest % slices;
    this.#sums[index] = (this.#sums[index] as number) + amount;
  }

  /** Clears the slices that left the window. */
  #turn(now: number): void {
    const current = Math.floor(now / this.#sliceMs);
    if (current <= this.#newest) return;
    const first = Math.max(this.#newest + 1, current - slices + 1);
    for (let slice = first; slice <= current; slice++) this.#sums[slice % slices] = 0;
    this.#newest = current;
  }
}
