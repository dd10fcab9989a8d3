/**
 * Options of a single request, which replace those of its service: for `fetch`, and for
 * dispatchers (`Rollcall.dispatcher`).
 */

import { earlier, currentDeadline } from './resilience/deadline.ts';
import type { Clock } from './clock.ts';
import type { ExchangeOptions } from './http/exchange-context.ts';
import { checkKnown, type OptionNames } from './option-check.ts';
import { checkAbove0, checkTries } from './service-options.ts';

export interface TryOptions {
  /** Replaces the service's `tryTimeoutMs`. */
  readonly tryTimeoutMs?: number;
  /** Replaces the service's `triesMax`; 1 for no retry and no hedge. */
  readonly triesMax?: number;
  /** Whether the request may be applied twice with the effect of one. By default, its method decides (RFC 9110 §9.2.2). */
  readonly idempotent?: boolean;
  /** False: no hedge. True, the default: hedged if it may be applied twice and has no body, unless the service never hedges. */
  readonly hedging?: boolean;
  /** The subject of the request (a user, a cache key): hashing balancers send equal keys to the same instance. */
  readonly hashKey?: string;
  /**
   * Time for the whole request, retries and the answer's body included, in milliseconds, more than 0. The request carries
   * the remaining time (`resilience/deadline.ts`). A redirect to another host does not count.
   * By default the remaining time of the request that this process is serving, if that has a deadline
   * (`withDeadline`), else no limit.
   */
  readonly timeoutMs?: number;
}

const tryOptions: OptionNames<TryOptions> = {
  ...{ tryTimeoutMs: true, triesMax: true, idempotent: true, hedging: true, hashKey: true, timeoutMs: true },
};

/**
 * For options objects that have no other options; those of `fetch` are mixed with options of the platform and of other libraries.
 * @throws RegistryError `invalid_argument` for an unknown option
 */
export function checkTryOptions(options: TryOptions): void {
  checkKnown(options, tryOptions, 'a request');
}

/**
 * The options of one request, if they differ from those of all requests.
 * @returns undefined if nothing differs
 * @throws RegistryError `invalid_argument` for one out of its range
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
