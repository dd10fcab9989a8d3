/**
 * An answer as bytes, ready to be sent again and again. A choice of instances is kept in several
 * orders that take turns, and each order gives way to a new one before long: so an answer is encoded
 * seldom, and still every instance comes first, or gets into a small packet at all, equally often.
 */

import type { Template } from './message.ts';
import type { Entry } from './records.ts';

/** Orders kept side by side: consecutive queries see different ones. */
const ordersMax = 8;

/** How often an order is sent: so encoding costs a sixteenth of what it would. */
const sendsPerOrder = 16;

/** Of large answers one order is kept, or a few thousand of them would fill the cache. */
const largeBytes = 4_096;

/** No record is shorter: pointer, type, class, ttl, length, address. */
const recordBytes = 16;

export interface EncodedOptions {
  readonly entries: readonly Entry[];
  readonly choice: boolean;
  readonly bytesMax: number;
  readonly write: (entries: readonly Entry[]) => Template;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

export class Encoded {
  readonly #options: EncodedOptions;
  readonly #entries: Entry[];
  readonly #shuffled: boolean;
  readonly #templates: Template[] = [];
  readonly #orders: number;
  #sent = 0;

  constructor(options: EncodedOptions) {
    this.#options = options;
    this.#entries = [...options.entries];
    this.#shuffled = options.choice && options.entries.length > 1;
    this.#orders = this.#shuffled && options.bytesMax <= largeBytes ? ordersMax : 1;
  }

  /** About how many bytes of memory it takes when all orders are encoded. */
  get weight(): number {
    // A record with its strings and what goes along: 400 bytes.
    const encoded = Math.min(this.#options.bytesMax, this.#entries.length * 64 + 100);
    return this.#entries.length * 400 + this.#orders * (encoded + 200) + 300;
  }

  next(): Template {
    const slot = this.#sent % this.#orders;
    const round = (this.#sent - slot) / this.#orders;
    this.#sent++;
    const kept = this.#templates[slot];
    if (kept !== undefined && (!this.#shuffled || round % sendsPerOrder > 0)) return kept;
    if (this.#shuffled) this.#shuffle();
    return (this.#templates[slot] = this.#options.write(this.#entries));
  }

  /** Fisher and Yates, as far as entries can fit. */
  #shuffle(): void {
    const { bytesMax, random } = this.#options;
    const entries = this.#entries;
    const fitting = Math.min(entries.length, Math.floor(bytesMax / recordBytes));
    for (let at = 0; at < fitting; at++) {
      const other = at + Math.floor(random() * (entries.length - at));
      const entry = entries[at] as Entry;
      entries[at] = entries[other] as Entry;
      entries[other] = entry;
    }
  }
}
