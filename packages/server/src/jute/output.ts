/**
 * Writes the values of ZooKeeper's serialization, Jute, to bytes (`BinaryOutputArchive.java`), after the length of the packet.
 * It knows no record.
 */

const twoTo32 = 4_294_967_296;

/** Most packets fit; others make it grow by factors of two. */
const firstBytes = 256;

export class JuteOutput {
  #bytes: Buffer;
  /** Behind the length, which `packet` writes. */
  #at = 4;

  /** @param bytes that the packet will probably have */
  constructor(bytes = firstBytes) {
    this.#bytes = Buffer.allocUnsafe(bytes + 4);
  }

  bool(value: boolean): void {
    const at = this.#room(1);
    this.#bytes[at] = value ? 1 : 0;
  }

  int(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
  }

  /** @param value a whole number */
  long(value: number): void {
    const at = this.#room(8);
    this.#bytes.writeInt32BE(Math.floor(value / twoTo32), at);
    this.#bytes.writeUInt32BE(value - Math.floor(value / twoTo32) * twoTo32, at + 4);
  }

  id(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigInt64BE(value, at);
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    this.int(value.length);
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  string(value: string): void {
    // A character of UTF-16 takes at most three bytes.
    const at = this.#room(4 + value.length * 3);
    const length = this.#bytes.write(value, at + 4, 'utf8');
    this.#bytes.writeInt32BE(length, at);
    this.#at = at + 4 + length;
  }

  /** The number of elements of a vector, which must follow. */
  count(length: number): void {
    this.int(length);
  }

  /** Bytes that were encoded before. */
  encoded(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  /** All that was written, without a length before it. */
  content(): Buffer {
    return this.#bytes.subarray(4, this.#at);
  }

  /** All that was written, with its length before it. */
  packet(): Buffer {
    this.#bytes.writeInt32BE(this.#at - 4, 0);
    return this.#bytes.subarray(0, this.#at);
  }

  #room(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#at = at + length;
    return at;
  }
}
