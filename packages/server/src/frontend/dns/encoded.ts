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

export interface EncodedOptions {
  readonly count: number;
  readonly entry: (index: number) => Entry;
  readonly choice: boolean;
  readonly bytesMax: number;
  /** Takes as many entries as have room. */
  readonly write: (entries: Iterable<Entry>) => Template;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

export class Encoded {
  readonly #options: EncodedOptions;
  /** Indexes of the entries, for a choice of several. */
  readonly #order: Uint32Array | undefined;
  readonly #templates: Template[] = [];
  readonly #orders: number;
  #sent = 0;

  constructor(options: EncodedOptions) {
    this.#options = options;
    const { choice, count, bytesMax } = options;
    this.#order = choice && count > 1 ? upTo(count) : undefined;
    this.#orders = this.#order !== undefined && bytesMax <= largeBytes ? ordersMax : 1;
  }

  /** About how many bytes of memory it takes when all orders are encoded. */
  get weight(): number {
    const { count, bytesMax } = this.#options;
    const encoded = Math.min(bytesMax, count * 64 + 100);
    // Of each entry the index, and a share in what it is made from, which may have been forgotten elsewhere.
    return count * 64 + this.#orders * (encoded + 200) + 500;
  }

  next(): Template {
    const slot = this.#sent % this.#orders;
    const round = (this.#sent - slot) / this.#orders;
    this.#sent++;
    const kept = this.#templates[slot];
    if (kept !== undefined && (this.#order === undefined || round % sendsPerOrder > 0)) return kept;
    return (this.#templates[slot] = this.#options.write(this.#entries()));
  }

  /** In a new order. */
  *#entries(): Iterable<Entry> {
    const { count, entry, random } = this.#options;
    const order = this.#order;
    for (let at = 0; at < count; at++) {
      if (order === undefined) yield entry(at);
      else yield entry(pick(order, at, random));
    }
  }
}

/** One step of Fisher and Yates' shuffle: swaps one of the indexes not yet picked to `at`. */
function pick(order: Uint32Array, at: number, random: () => number): number {
  const other = at + Math.floor(random() * (order.length - at));
  const picked = order[other] as number;
  order[other] = order[at] as number;
  order[at] = picked;
  return picked;
}

function upTo(count: number): Uint32Array {
  const indexes = new Uint32Array(count);
  for (let index = 0; index < count; index++) indexes[index] = index;
  return indexes;
}
