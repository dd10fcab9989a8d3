/**
 * Numbers and texts as bytes: a writer that grows and a reader with limits. Integers are LEB128, texts are UTF-8 with their
 * length before them. The formats of messages are in `packet.ts` and `exchange.ts`.
 */

import type { Address } from '../messages.ts';

/** The bytes are no message of this package. */
export class Malformed extends Error {}

/** Longest name of a member, in bytes. */
export const nameBytesMax = 255;

export class Writer {
  #buffer: Buffer;
  #at = 0;

  constructor(bytes = 1_500) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#at;
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  /** An integer from 0 to 2⁵³ − 1. */
  integer(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  /** Any 32 bits. */
  hash(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeInt32LE(value, this.#at);
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.integer(bytes);
    this.#room(bytes);
    this.#at += this.#buffer.write(value, this.#at);
  }

  address({ host, port }: Address): void {
    this.text(host);
    this.integer(port);
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.integer(values.length);
    for (const value of values) write(value);
  }

  /** What was written; valid until the next write. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#buffer.length + bytes);
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws Malformed, as all methods of a reader */
  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new Malformed('it ends too early');
    return value;
  }

  integer(most: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > most) throw new Malformed(`a number is larger than ${most}`);
      if (byte < 0x80) return value;
      scale *= 0x80;
      if (scale > 2 ** 53) throw new Malformed('a number is too long');
    }
  }

  hash(): number {
    const [a, b, c, d] = [this.byte(), this.byte(), this.byte(), this.byte()];
    return a | (b << 8) | (c << 16) | (d << 24);
  }

  text(bytesMax: number): string {
    const length = this.integer(bytesMax);
    if (this.#at + length > this.#bytes.length) throw new Malformed('a text is longer than the message');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    try {
      return utf8.decode(part);
    } catch {
      throw new Malformed('a text is not UTF-8');
    }
  }

  name(): string {
    const name = this.text(nameBytesMax);
    if (name === '') throw new Malformed('a name is empty');
    return name;
  }

  address(): Address {
    const host = this.text(nameBytesMax);
    const port = this.integer(65_535);
    if (host === '' || port === 0) throw new Malformed('an address has no host or no port');
    return { host, port };
  }

  /** A list of at most `most` values. */
  list<T>(most: number, read: () => T): T[] {
    const length = this.integer(most);
    const values: T[] = [];
    for (let index = 0; index < length; index++) values.push(read());
    return values;
  }
}
