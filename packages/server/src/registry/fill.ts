/** How large one transaction becomes: its bound, and how much of it is used. */

/**
 * One transaction ends when it has reached either bound; a single command that cannot stop may go beyond.
 * A row costs 5 to 15 µs to decide, encode, log and apply, and a MiB some 5 ms. A turn of the event loop so takes some 2 ms, and several
 * times as long while garbage is collected; another request waits for one or two turns.
 */
export const transactionBound: Bound = { rows: 256, bytes: 4_194_304, reads: Infinity };

export interface Bound {
  readonly rows: number;
  readonly bytes: number;
  /** Records that are read by key: a transaction names each of them. */
  readonly reads: number;
}

/** How much a transaction holds by now. */
export class Fill {
  readonly bound: Bound;
  #rows = 0;
  #bytes = 0;
  #ended = false;
  readonly #reads: { readonly size: number };

  /** @param reads the records that were read by key; it grows meanwhile */
  constructor(bound: Bound, reads: { readonly size: number }) {
    this.bound = bound;
    this.#reads = reads;
  }

  add(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** Nothing more comes into the transaction. */
  end(): void {
    this.#ended = true;
  }

  get full(): boolean {
    return this.#ended || this.#rows >= this.bound.rows || this.#bytes >= this.bound.bytes || this.#reads.size >= this.bound.reads;
  }

  addAll(other: Fill): void {
    this.add(other.#rows, other.#bytes);
  }
}

/** Bytes of a row's texts and values, about: what encoding it takes. */
export function weigh(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 0;
  // The names of a list's places would be made as strings, which takes longer than all the rest.
  if (Array.isArray(value)) {
    for (const each of value) bytes += 2 + weigh(each);
    return bytes;
  }
  for (const name in value) bytes += name.length + weigh((value as Record<string, unknown>)[name]);
  return bytes;
}
