/**
 * Canary split: some instances are the canary, and get a share of the requests, and those that ask for it with
 * a header. The header's values are those of the NGINX ingress controller
 * (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary).
 */

import { drawIndex, type RandomSource } from '../balancer/seeded-random.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';
import { hash32 } from '@rollcall/protocol';
import type { InstanceFilter } from './selector.ts';

export interface CanaryOptions {
  /** Which instances are the canary; all others are not. */
  readonly select: InstanceFilter;
  /**
   * Share of the requests that go to the canary, from 0 (only by header) to 1. For requests with a key it is that
   * share of the keys: a user stays on the same side, for every caller.
   */
  readonly share: number;
  /**
   * Name of a request header that overrides the share: `always` goes to the canary, `never` does not; for any other
   * value the share decides.
   */
  readonly header?: string;
  /** If set, a request whose header has this value goes to the canary; for every other value the share decides. */
  readonly headerValue?: string;
}

const canaryOptions: OptionNames<CanaryOptions> = { select: true, share: true, header: true, headerValue: true };

/** Reads a request's header by its name in lower case. */
export type HeaderReader = (name: string) => string | undefined;

/**
 * Seed of a hash that differs from the balancers' hashes: otherwise all keys of the canary would be neighbours on a
 * ring.
 */
const keySeed = 0xca7a12;

/** Number of parts of a share; 1,000 would be too few for a first canary of a large service. */
const grains = 1_000_000;

export class Canary {
  readonly #share: number;
  readonly #header: string | undefined;
  readonly #headerValue: string | undefined;
  readonly #random: RandomSource;

  /** @throws RegistryError `invalid_argument` for a share that is out of range */
  constructor(options: CanaryOptions, random: RandomSource) {
    const { share, header, headerValue } = options;
    checkKnown(options, canaryOptions, 'routing.canary');
    checkRange(share >= 0 && share <= 1, 'canary.share', share, 'from 0 to 1');
    this.#share = share;
    this.#header = header?.toLowerCase();
    this.#headerValue = headerValue;
    this.#random = random;
  }

  /** Whether the next request goes to the canary. @param key the key of the request, if it has one */
  wants(header: HeaderReader | undefined, key?: string): boolean {
    const share = this.shareOf(header, key);
    return share === 1 || (share > 0 && drawIndex(this.#random, grains) < share * grains);
  }

  /** The chance that a request goes to the canary, from 0 to 1: 0 or 1 with a key, or a header that decides. */
  shareOf(header: HeaderReader | undefined, key?: string): number {
    const asked = this.#header === undefined ? undefined : header?.(this.#header);
    if (asked !== undefined) {
      if (this.#headerValue !== undefined) {
        if (asked === this.#headerValue) return 1;
      } else if (asked === 'always') return 1;
      else if (asked === 'never') return 0;
    }
    if (key === undefined) return this.#share;
    return (hash32(key, keySeed) >>> 0) % grains < this.#share * grains ? 1 : 0;
  }
}
