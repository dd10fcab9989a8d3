/** How long a lease lasts and how often it is renewed: options of elections and locks, checked. */

import { checkRange, checkWhole, type OptionNames } from '../option-check.ts';

export interface LeaseTiming {
  /** Time without a renewal after which the registry gives the lock to another, in milliseconds: 1,000 to 600,000, 10,000 by default. */
  readonly ttl?: number;
  /** Time between renewals, in milliseconds; by default 30 % of `ttl`. */
  readonly renewEvery?: number;
  /**
   * How long before the end of `ttl` the holder stops, in milliseconds: covers clocks of different rates. At least a tenth of `ttl`; a fifth
   * by default.
   */
  readonly margin?: number;
  /**
   * The lock is given to another as soon as this client's connection breaks, and not only after `ttl`. The local deadline is 1.8 pings of
   * the server then. Only for work that a fence protects wholly: see docs/concepts/elections.md.
   */
  readonly bound?: boolean;
}

export const leaseTiming: OptionNames<LeaseTiming> = { ttl: true, renewEvery: true, margin: true, bound: true };

export interface Timing {
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  readonly marginMs: number;
  readonly bound: boolean;
}

/** @throws RegistryError `invalid_argument` */
export function timingOf({ ttl = 10_000, renewEvery = Math.round(ttl * 0.3), margin = Math.ceil(ttl / 5), bound = false }: LeaseTiming): Timing {
  checkWhole(ttl, 1_000, 'ttl');
  checkRange(ttl <= 600_000, 'ttl', ttl, 'at most 600000 ms');
  checkWhole(margin, 1, 'margin');
  checkRange(margin >= ttl / 10 && margin <= ttl / 2, 'margin', margin, `from a tenth of ttl to a half of it: ${Math.ceil(ttl / 10)} to ${Math.floor(ttl / 2)}`);
  checkWhole(renewEvery, 1, 'renewEvery');
  checkRange(renewEvery * 2 <= ttl - margin, 'renewEvery', renewEvery, `at most half of ttl - margin, ${Math.floor((ttl - margin) / 2)}, so that one renewal may fail`);
  return { ttlMs: ttl, renewEveryMs: renewEvery, marginMs: margin, bound };
}
