/**
 * Writes and reads the bytes of a message between nodes: numbers of variable length, texts and byte strings with their length
 * in front. It does not know their meaning. A reader checks every length, and throws `BadMessage` for one that is too large.
 */

/** The other node sent bytes that are not a message of the channel. The connection must be closed. */
export class BadMessage extends Error {}

const firstBytes = 512;

/** A larger number would lose digits in a double. */
const numberMax = Number.MAX_SAFE_INTEGER;

export class ByteWriter {
  #bytes = Buffer.allocUnsafe(firstBytes);
  #length = 0;

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** @param value an integer from 0 to 2^53 - 1; seven bits a byte, the lowest first (LEB128) */
  number(value: number): this {
    this.#room(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** @param value well-formed Unicode: a lone surrogate is written as U+FFFD */
  text(value: string): this {
    const { length } = value;
    // Most texts are short: their length takes one byte, and they are written in place.
    if (length * 3 <= 0x7f) {
      this.#room(1 + length * 3);
      const bytes = this.#bytes.write(value, this.#length + 1);
      this.#bytes[this.#length] = bytes;
      this.#length += 1 + bytes;
      return this;
    }
    const bytes = Buffer.byteLength(value);
    this.number(bytes).#room(bytes);
    this.#bytes.write(value, this.#length);
    this.#length += bytes;
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.number(value.length).raw(value);
  }

  /** Without a length: the rest of the message. */
  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  get length(): number {
    return this.#length;
  }

  /** The written bytes. The writer must not be used afterwards. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new BadMessage('a message ends too early');
    this.#at++;
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > numberMax) throw new BadMessage('a number in a message is above 2^53 - 1');
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  text(): string {
    const start = this.#take(this.number());
    return this.#bytes.toString('utf8', start, this.#at);
  }

  /** Shares memory with the message. */
  bytes(): Buffer {
    const start = this.#take(this.number());
    return this.#bytes.subarray(start, this.#at);
  }

  /** The rest of the message; shares memory with it. */
  rest(): Buffer {
    const start = this.#at;
    this.#at = this.#bytes.length;
    return this.#bytes.subarray(start);
  }

  /** @returns the number of entries that follow; a list with more entries than remaining bytes is refused */
  count(): number {
    const count = this.number();
    if (count > this.#bytes.length - this.#at) throw new BadMessage(`a message announces ${count} entries and is shorter than that`);
    return count;
  }

  /** @throws BadMessage when bytes remain */
  end(): void {
    if (!this.atEnd) throw new BadMessage(`${this.#bytes.length - this.#at} bytes follow the end of a message`);
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new BadMessage('a message ends too early');
    this.#at = start + length;
    return start;
  }
}
