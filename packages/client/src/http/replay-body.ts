/**
 * A request body that can be sent again: it keeps the chunks read from the source, up to a limit, and gives
 * them to the next try before the rest of the source. Nothing is read before a try asks for it.
 *
 *     source ──► chunks kept ──► try 1 (failed here)
 *                     └────────► try 2: the kept chunks, then the rest of the source
 */

export class ReplayBody implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #bytesMax: number;
  /** Chunks read from the source, without the first `#dropped` of them. */
  readonly #chunks: Uint8Array[] = [];
  #dropped = 0;
  #bytes = 0;
  #ended = false;
  #released = false;
  #failure: { readonly error: unknown } | undefined;
  /** One read at a time, shared: a failed try may still wait for it when the next one starts. */
  #reading: Promise<void> | undefined;

  /** @param bytesMax limit of bytes kept; beyond it each chunk is returned once and the body cannot be replayed */
  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, bytesMax: number) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#bytesMax = bytesMax;
  }

  /** Whether a new iteration starts at the beginning. */
  get replayable(): boolean {
    return this.#dropped === 0 && this.#failure === undefined;
  }

  /** Whether the source itself threw, which is not a failure of an endpoint. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; ; at++) {
      while (at >= this.#dropped + this.#chunks.length && !this.#ended) {
        this.#reading ??= this.#read();
        await this.#reading;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      // An error, not an end: otherwise the endpoint would take the part for the whole.
      if (this.#released) throw new Error('the request is over; its body is not read on');
      const chunk = this.#chunks[at - this.#dropped];
      if (chunk === undefined) return;
      yield chunk;
      if (this.#bytes <= this.#bytesMax) continue;
      this.#chunks.splice(0, at + 1 - this.#dropped);
      this.#dropped = at + 1;
    }
  }

  /** Tells the source that there will be no more reads; idempotent. */
  release(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#released = true;
    void this.#dropSource();
  }

  async #dropSource(): Promise<void> {
    try {
      await this.#source.return?.();
    } catch {
      // The request is over, so an error of the source has no receiver.
    }
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#source.next();
      if (done === true) {
        this.#ended = true;
      } else {
        this.#chunks.push(value);
        this.#bytes += value.byteLength;
      }
    } catch (error) {
      this.#failure = { error };
      this.#ended = true;
    } finally {
      this.#reading = undefined;
    }
  }
}

/** Streams and generators are their own iterators and can be read only once, unlike buffers, arrays and forms. */
export function isReadOnce(body: unknown): body is AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body)) return false;
  return Symbol.asyncIterator in body || ('next' in body && Symbol.iterator in body);
}
