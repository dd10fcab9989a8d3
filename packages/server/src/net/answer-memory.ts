/**
 * Limits the memory of all large answers that are being made or sent. An answer that needs more than is left is refused, so
 * that clients cannot fill the memory with copies of the state.
 */

import { RegistryError } from '@rollcall/protocol';

/** Twice the size of an answer with 100,000 instances with a hundred tags each. */
const bytesMax = 536_870_912;

export class AnswerMemory {
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

/** The memory of one answer. */
export class MemoryShare {
  readonly #memory: AnswerMemory;
  #bytes = 0;

  constructor(memory: AnswerMemory) {
    this.#memory = memory;
  }

  /** @throws AnswerMemoryFull */
  take(bytes: number): void {
    const { bytes: taken, bytesMax: limit } = this.#memory;
    if (taken + bytes > limit) throw new AnswerMemoryFull(taken, limit);
    this.#bytes += bytes;
    this.#memory.add(bytes);
  }

  /** Returns the memory; safe to call more than once. */
  free(): void {
    this.#memory.add(-this.#bytes);
    this.#bytes = 0;
  }
}

export class AnswerMemoryFull extends RegistryError {
  constructor(taken: number, limit: number) {
    super(
      'resource_exhausted',
      `large answers take ${taken} bytes of memory now, the limit is ${limit}; ask for less, or try again in a second`,
    );
  }
}
