/**
 * The order in which members are probed: round robin over a shuffled list, shuffled again after each round. So each
 * member is probed within twice as many intervals as there are members (SWIM, §4.3).
 */

import type { Random } from '../clock.ts';

export class ProbeOrder {
  readonly #random: Random;
  #names: string[] = [];
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Inserts at a random place: appended members would be probed late, and by all members at the same moment. */
  add(name: string): void {
    const place = Math.floor(this.#random() * (this.#names.length + 1));
    this.#names.push(name);
    this.#swap(place, this.#names.length - 1);
  }

  remove(name: string): void {
    const place = this.#names.indexOf(name);
    if (place < 0) return;
    this.#names.splice(place, 1);
    if (place < this.#at) this.#at--;
  }

  /** @returns the next name that `fits`; undefined when none does */
  next(fits: (name: string) => boolean): string | undefined {
    for (let looked = 0; looked < 2 * this.#names.length; looked++) {
      if (this.#at >= this.#names.length) this.#shuffle();
      const name = this.#names[this.#at++] as string;
      if (fits(name)) return name;
    }
    return undefined;
  }

  /** Fisher–Yates. */
  #shuffle(): void {
    for (let last = this.#names.length - 1; last > 0; last--) this.#swap(last, Math.floor(this.#random() * (last + 1)));
    this.#at = 0;
  }

  #swap(a: number, b: number): void {
    const names = this.#names;
    [names[a], names[b]] = [names[b] as string, names[a] as string];
  }
}
