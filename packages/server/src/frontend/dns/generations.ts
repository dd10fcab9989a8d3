/**
 * A bounded cache in two generations: what is used moves to the young one, and when that is full the
 * old one is forgotten as a whole. Reading costs one or two lookups and keeps no order, so it may be
 * done for every packet; a flood of keys that nobody asks for twice pushes out only what is not in use.
 */

export interface Weighing {
  /** In any unit, the same for all. */
  readonly weight: number;
}

export class Generations<T extends Weighing> {
  readonly #halfMax: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #youngWeight = 0;
  #oldWeight = 0;

  /** @param weightMax never exceeded, by all values together */
  constructor(weightMax: number) {
    this.#halfMax = weightMax / 2;
  }

  get weight(): number {
    return this.#youngWeight + this.#oldWeight;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#oldWeight -= old.weight;
    this.set(key, old);
    return old;
  }

  /** A value that weighs more than half of the maximum is not kept. */
  set(key: string, value: T): void {
    this.delete(key);
    if (value.weight > this.#halfMax) return;
    if (this.#youngWeight + value.weight > this.#halfMax) {
      this.#old = this.#young;
      this.#oldWeight = this.#youngWeight;
      this.#young = new Map();
      this.#youngWeight = 0;
    }
    this.#young.set(key, value);
    this.#youngWeight += value.weight;
  }

  delete(key: string): void {
    const young = this.#young.get(key);
    if (young !== undefined && this.#young.delete(key)) this.#youngWeight -= young.weight;
    const old = this.#old.get(key);
    if (old !== undefined && this.#old.delete(key)) this.#oldWeight -= old.weight;
  }
}
