/**
 * Reads the values of ZooKeeper's serialization, Jute, from bytes: big-endian numbers, and buffers, strings and vectors with their
 * length before them (`BinaryInputArchive.java`). It knows no record.
 */

import { RegistryError } from '@rollcall/protocol';

const twoTo32 = 4_294_967_296;

export class JuteInput {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws RegistryError `invalid_argument`, as do all methods when the bytes end early */
  bool(): boolean {
    return this.#bytes[this.#take(1)] !== 0;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  /** A number of 64 bits; the nearest one that JavaScript has when it needs more than 53 bits. */
  long(): number {
    const at = this.#take(8);
    return this.#bytes.readInt32BE(at) * twoTo32 + this.#bytes.readUInt32BE(at + 4);
  }

  /** A number of 64 bits, exactly. */
  id(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** A view of the bytes, not a copy; null for a buffer that the sender does not have. */
  buffer(): Buffer | null {
    const length = this.#length('buffer', 1);
    if (length === -1) return null;
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Invalid UTF-8 becomes U+FFFD; a string that the sender does not have is empty. */
  string(): string {
    const length = this.#length('string', 1);
    if (length <= 0) return '';
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /**
   * The number of elements of a vector; 0 for one that the sender does not have.
   * @param bytesEach the least that an element takes
   */
  count(bytesEach: number): number {
    return Math.max(0, this.#length('vector', bytesEach));
  }

  #length(of: string, bytesEach: number): number {
    const length = this.int();
    if (length < -1 || length * bytesEach > this.left) {
      throw new RegistryError('invalid_argument', `a ${of} of length ${length} cannot be in the ${this.left} bytes that are left of the packet`);
    }
    return length;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) {
      throw new RegistryError('invalid_argument', `the packet ends ${at + length - this.#bytes.length} bytes too early`);
    }
    this.#at = at + length;
    return at;
  }
}
