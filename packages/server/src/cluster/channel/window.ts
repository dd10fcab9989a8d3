/**
 * The two ends of one stream on a channel: how far the sender may be ahead of the reader, and the items that the reader has not
 * read yet.
 */

import type { RegistryError } from '@rollcall/protocol';

/** Bytes of a stream that may be on their way or wait for its reader. An item that begins within the window may exceed it. */
export const windowBytes = 4_194_304;

/** The reader reports the bytes that it has read in steps of this size, so that few messages are needed. */
const tellBytes = windowBytes / 4;

/** The sender's side. */
export class Window {
  #left = windowBytes;
  #wake = () => {};

  get open(): boolean {
    return this.#left > 0;
  }

  sent(bytes: number): void {
    this.#left -= bytes;
  }

  /** The reader has read this many bytes; this never makes the window larger than at its start. */
  widen(bytes: number): void {
    this.#left = Math.min(windowBytes, this.#left + bytes);
    this.#wake();
  }

  widened(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

/** The reader's side. */
export class Intake {
  readonly #tell: (bytes: number) => void;
  #items: Buffer[] = [];
  #untold = 0;
  /** Bytes that the sender may still send. */
  #left = windowBytes;
  #ended = false;
  #stopped = false;
  #error: RegistryError | undefined;
  #wake = () => {};

  /** @param tell called with the bytes that were taken since the last call */
  constructor(tell: (bytes: number) => void) {
    this.#tell = tell;
  }

  /** @throws Error when the sender exceeds its window */
  take(item: Buffer): void {
    if (this.#ended) return;
    if (this.#left <= 0) throw new Error(`the sender of a stream is more than ${windowBytes} bytes ahead of its reader`);
    this.#left -= item.length;
    this.#items.push(item);
    this.#wake();
  }

  /** @param error undefined if the stream is complete; items that have arrived can still be read then */
  end(error?: RegistryError): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  /** The reader has left: items that have arrived are dropped. */
  stop(): void {
    this.#stopped = true;
    this.end();
  }

  async *items(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const items = this.#items;
      this.#items = [];
      for (const item of items) {
        if (this.#stopped) return;
        yield item;
        this.#taken(item.length);
      }
      if (this.#items.length > 0) continue;
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #taken(bytes: number): void {
    this.#left += bytes;
    this.#untold += bytes;
    if (this.#untold < tellBytes || this.#ended) return;
    this.#tell(this.#untold);
    this.#untold = 0;
  }
}
