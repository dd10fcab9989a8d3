/**
 * Cuts a stream of bytes into packets, each of which has its length before it. A length beyond the limit is refused before the packet is
 * there (`jute.maxbuffer`, `NIOServerCnxn.readLength`). It knows nothing of their content.
 */

import { RegistryError } from '@rollcall/protocol';

/** ZooKeeper's default of `jute.maxbuffer`: 1 MB. */
export const packetBytesMax = 1_048_575;

export class PacketReader {
  readonly #bytesMax: number;
  /** Chunks that were not read yet. */
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** Length of the packet that is being read; undefined before its length is there. */
  #length: number | undefined;

  constructor(bytesMax = packetBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that have arrived and belong to no packet that was returned. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next four bytes as they are, without reading them; undefined before they are there. */
  peek(): Buffer | undefined {
    return this.#bytes < 4 ? undefined : this.#front(4).subarray(0, 4);
  }

  /**
   * The next packet without its length; undefined before all of it is there.
   * @throws RegistryError `resource_exhausted` when its length is negative or beyond the limit: what follows cannot be understood
   */
  next(): Buffer | undefined {
    if (this.#length === undefined) {
      if (this.#bytes < 4) return undefined;
      const length = this.#front(4).readInt32BE(0);
      if (length < 0 || length > this.#bytesMax) {
        throw new RegistryError('resource_exhausted', `a packet of ${length} bytes, the limit is ${this.#bytesMax} (jute.maxbuffer)`);
      }
      this.#drop(4);
      this.#length = length;
    }
    if (this.#bytes < this.#length) return undefined;
    const packet = this.#front(this.#length).subarray(0, this.#length);
    this.#drop(this.#length);
    this.#length = undefined;
    return packet;
  }

  /** The first chunk, which has at least so many bytes. Chunks are joined once for each packet, not for each chunk. */
  #front(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= bytes) return first;
    const joined: Buffer[] = [];
    let length = 0;
    while (length < bytes) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) break;
      joined.push(chunk);
      length += chunk.length;
    }
    const front = Buffer.concat(joined, length);
    this.#chunks.unshift(front);
    return front;
  }

  #drop(bytes: number): void {
    const [first] = this.#chunks;
    if (first === undefined) return;
    this.#bytes -= bytes;
    if (first.length === bytes) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(bytes);
  }
}
