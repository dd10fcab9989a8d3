/**
 * Keys of a JWT auth method: fixed ones, or a key set that is fetched from its issuer and cached.
 *
 * Each source runs one fetch at a time, with limits of bytes and time, and at most one every half minute:
 * any client can send a token with an unknown key id, and must not cause a fetch each time.
 */

import type { KeyObject } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../clock.ts';
import type { Keys } from './jwt-config.ts';

/** Fetches a text over HTTP from an address that this server may connect to. Must not follow redirects. */
export type FetchText = (
  url: string,
  options: { readonly ca: string; readonly bytesMax: number; readonly timeoutMs: number },
) => Promise<string>;

export type KeySet =
  | { readonly kind: 'static'; readonly keys: readonly KeyObject[] }
  | { readonly kind: 'jwks'; readonly jwks: JSONWebKeySet; readonly fetchedAtMs: number };

/** Most bytes of a key set. A set has a few keys of some hundred bytes each. */
const bytesMax = 262_144;
const timeoutMs = 5_000;
/** Age at which a key set is fetched again. A key that its issuer withdraws is trusted for this long at most. */
const freshMs = 600_000;
const betweenFetchesMs = 30_000;

export class KeySource {
  readonly #keys: Keys;
  readonly #fetchText: FetchText;
  readonly #clock: Clock;
  #set: Extract<KeySet, { kind: 'jwks' }> | undefined;
  #fetching: Promise<Extract<KeySet, { kind: 'jwks' }>> | undefined;
  #triedAtMs = -Infinity;

  constructor(keys: Keys, fetchText: FetchText, clock: Clock) {
    this.#keys = keys;
    this.#fetchText = fetchText;
    this.#clock = clock;
  }

  /** @throws RegistryError `unavailable` if no keys are cached and they cannot be fetched now */
  async current(): Promise<KeySet> {
    if (this.#keys.kind === 'static') return this.#keys;
    const set = this.#set;
    if (set !== undefined && this.#clock.monotonic() - set.fetchedAtMs < freshMs) return set;
    return this.#fetch();
  }

  /** Fetches newer keys than the given ones, for a token whose key is not among them; undefined within half a minute of the last fetch. */
  async newer(than: KeySet): Promise<KeySet | undefined> {
    if (than.kind === 'static') return undefined;
    if (this.#set !== undefined && this.#set !== than) return this.#set;
    if (this.#fetching === undefined && !this.#mayFetch()) return undefined;
    return this.#fetch();
  }

  #mayFetch(): boolean {
    return this.#clock.monotonic() - this.#triedAtMs >= betweenFetchesMs;
  }

  #fetch(): Promise<Extract<KeySet, { kind: 'jwks' }>> {
    if (this.#fetching !== undefined) return this.#fetching;
    if (!this.#mayFetch()) {
      return Promise.reject(new RegistryError('unavailable', 'the keys of the auth method could not be fetched; try again in half a minute'));
    }
    this.#triedAtMs = this.#clock.monotonic();
    this.#fetching = this.#load()
      .then((jwks) => (this.#set = { kind: 'jwks', jwks, fetchedAtMs: this.#clock.monotonic() }))
      .finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #load(): Promise<JSONWebKeySet> {
    const { kind, url, ca } = this.#keys as Extract<Keys, { url: string }>;
    let jwksUrl = url;
    if (kind === 'discovery') {
      const configuration = await this.#json(`${url.replace(/\/$/, '')}/.well-known/openid-configuration`, ca);
      const { issuer, jwks_uri: found } = configuration;
      // OpenID Connect Discovery 1.0, 4.3: the document must name the issuer whose URL it was fetched from.
      if (issuer !== url || typeof found !== 'string' || !URL.canParse(found) || new URL(found).protocol !== new URL(url).protocol) {
        throw new RegistryError('unavailable', `${url} names another issuer in its OpenID configuration`);
      }
      jwksUrl = found;
    }
    const { keys } = await this.#json(jwksUrl, ca);
    const fit = Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null);
    if (!fit) throw new RegistryError('unavailable', `${jwksUrl} returned no key set`);
    return { keys: keys as JSONWebKeySet['keys'] };
  }

  async #json(url: string, ca: string): Promise<Readonly<Record<string, unknown>>> {
    try {
      const value = JSON.parse(await this.#fetchText(url, { ca, bytesMax, timeoutMs })) as unknown;
      if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
      throw new Error('not a JSON object');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RegistryError('unavailable', `the keys of the auth method could not be fetched from ${url}: ${why}`, { cause: error });
    }
  }
}
