/**
 * Room for large answers: the bytes of those that are being made or sent, all together. One that asks for more
 * than is left is refused, so that no number of clients fills the memory with copies of the state.
 */

import { RegistryError } from '@rollcall/protocol';

/** What an answer with all of 100,000 instances with a hundred tags each takes, and as much again. */
const bytesMax = 536_870_912;

export class Space {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(max = bytesMax) {
    this.#bytesMax = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** The part of one answer. */
export class Room {
  readonly #space: Space;
  #bytes = 0;

  constructor(space: Space) {
    this.#space = space;
  }

  /** @throws TooLittleRoom */
  take(bytes: number): void {
    const { bytes: taken, bytesMax: limit } = this.#space;
    if (taken + bytes > limit) throw new TooLittleRoom(taken, limit);
    this.#bytes += bytes;
    this.#space.add(bytes);
  }

  /** Gives back what was taken; idempotent. */
  free(): void {
    this.#space.add(-this.#bytes);
    this.#bytes = 0;
  }
}

export class TooLittleRoom extends RegistryError {
  constructor(taken: number, limit: number) {
    super(
      'resource_exhausted',
      `large answers take ${taken} bytes of memory now, the limit is ${limit}; ask for less, or try again in a second`,
    );
  }
}
