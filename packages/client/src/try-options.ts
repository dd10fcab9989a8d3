/**
 * What a single request may say for itself, instead of what its service says for all: through `fetch`, and through
 * dispatchers (`Rollcall.dispatcher`).
 */

import { earlier, currentDeadline } from './resilience/deadline.ts';
import type { Clock } from './clock.ts';
import type { ExchangeOptions } from './http/exchange-context.ts';
import { checkKnown, type OptionNames } from './option-check.ts';
import { checkAbove0, checkTries } from './service-options.ts';

export interface TryOptions {
  /** Instead of the service's `tryTimeoutMs`. */
  readonly tryTimeoutMs?: number;
  /** Instead of the service's `triesMax`; 1 for no retry and no hedge. */
  readonly triesMax?: number;
  /** Whether the request may be made twice with the effect of one. By default what its method says (RFC 9110 §9.2.2). */
  readonly idempotent?: boolean;
  /** False: not hedged. True, the default, hedges what may be made twice and has no body, unless the service never does. */
  readonly hedging?: boolean;
  /** What the request is about (a user, a cache key): hashing balancers send equal keys to the same instance. */
  readonly hashKey?: string;
  /**
   * Time for the whole request, retries and the answer's body included, in milliseconds, more than 0. What
   * is left of it goes with the request (`resilience/deadline.ts`). A redirect to another host is not counted.
   * By default the time that is left for the request that is being served, if that has a deadline
   * (`withDeadline`), else none.
   */
  readonly timeoutMs?: number;
}

const tryOptions: OptionNames<TryOptions> = {
  ...{ tryTimeoutMs: true, triesMax: true, idempotent: true, hedging: true, hashKey: true, timeoutMs: true },
};

/**
 * For options that stand alone; those of `fetch` stand among the platform's, and other libraries' own.
 * @throws RegistryError `invalid_argument` for one that there is not
 */
export function checkTryOptions(options: TryOptions): void {
  checkKnown(options, tryOptions, 'a request');
}

/**
 * The options of one request, where they differ from those of all requests.
 * @returns undefined when nothing differs
 * @throws RegistryError `invalid_argument` when one is out of its range
 */
export function exchangeOptions(
  { tryTimeoutMs, triesMax, idempotent, hedging, hashKey, timeoutMs = Infinity }: TryOptions,
  { clock, timeoutMs: usualMs }: { readonly clock: Clock; readonly timeoutMs: number },
): ExchangeOptions | undefined {
  if (tryTimeoutMs !== undefined) checkAbove0(tryTimeoutMs, 'tryTimeoutMs');
  if (triesMax !== undefined) checkTries(triesMax);
  checkAbove0(timeoutMs, 'timeoutMs');
  const limitMs = timeoutMs === Infinity ? usualMs : timeoutMs;
  const own = limitMs === Infinity ? undefined : { at: clock.monotonic() + limitMs };
  const deadline = earlier(own, currentDeadline());
  const asUsual = tryTimeoutMs === undefined && triesMax === undefined && idempotent === undefined && hedging === undefined;
  if (asUsual && hashKey === undefined && deadline === undefined) return undefined;
  return { tryTimeoutMs, triesMax, idempotent, hedging, hashKey, deadline };
}
