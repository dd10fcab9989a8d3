/**
 * Fetches the cards of agents from the agents themselves, so that a card is never older than a few seconds and no card of an agent that does
 * not answer is shown. A card is kept for a short time, and asked for once while several clients want it.
 */

import { createHash } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { Wheel } from '../../health/wheel.ts';
import { parseUrl, readAll, shownUrl, type Send } from '../../outbound/http-request.ts';

export interface Card {
  readonly text: string;
  /** With its quotes. */
  readonly tag: string;
}

interface Kept {
  readonly card: Promise<Card>;
  readonly atMs: number;
}

/** Age of a kept card, in milliseconds; clients are told the same. */
export const cardAgeMaxMs = 5_000;
const cardBytesMax = 262_144;
const keptMax = 1_000;
const timeoutMs = 3_000;
/** Requests to agents at the same time. */
const askedMax = 64;

export interface CardsOptions {
  readonly send: Send;
  readonly clock: Clock;
  readonly wheel: Wheel;
}

export class Cards {
  readonly #options: CardsOptions;
  readonly #kept = new LRUCache<string, Kept>({ max: keptMax });
  #asked = 0;

  constructor(options: CardsOptions) {
    this.#options = options;
  }

  /** @throws RegistryError (the promise) `unavailable` when there is no answer, or no card; `resource_exhausted` */
  get(url: string): Promise<Card> {
    const now = this.#options.clock.monotonic();
    const kept = this.#kept.get(url);
    if (kept !== undefined && now - kept.atMs < cardAgeMaxMs) return kept.card;
    if (this.#asked >= askedMax) return Promise.reject(new RegistryError('resource_exhausted', `${askedMax} cards are being fetched, which is the limit; try again in a second`));
    const card = this.#fetch(url);
    this.#kept.set(url, { card, atMs: now });
    // A failure is told to those who wait for it, and not kept.
    card.catch(() => this.#kept.delete(url));
    return card;
  }

  async #fetch(url: string): Promise<Card> {
    const { send, wheel } = this.#options;
    const late = new AbortController();
    const timer = wheel.schedule(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
    this.#asked++;
    try {
      const { response, request } = await send({ url: parseUrl(url), method: 'GET', headers: { accept: 'application/json' } }, late.signal);
      try {
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        return cardOf((await readAll(response, cardBytesMax)).toString());
      } finally {
        request.destroy();
      }
    } catch (error) {
      const reason: unknown = late.signal.aborted ? late.signal.reason : error;
      throw new RegistryError('unavailable', `${shownUrl(url)}: ${reason instanceof Error ? reason.message : String(reason)}`);
    } finally {
      this.#asked--;
      timer.cancel();
    }
  }
}

/** @throws Error when it is not a card. Only the name is looked at: the form of cards differs between versions of A2A */
function cardOf(text: string): Card {
  let card: unknown;
  try {
    card = JSON.parse(text);
  } catch {
    throw new Error('the answer is not JSON');
  }
  if (typeof card !== 'object' || card === null || !('name' in card) || typeof card.name !== 'string') throw new Error('the answer is not the card of an agent: it has no name');
  return { text: JSON.stringify(card), tag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"` };
}
