/**
 * Names that contain capital letters, by their lower case: names of the DNS know no case (RFC 4343), those of the
 * registry do. All other names are looked up as they are, so this is small in most registries.
 */

import { lowerCase } from './host-name.ts';

const none: readonly string[] = [];

export class CaseIndex {
  readonly #names = new Map<string, readonly string[]>();

  add(name: string): void {
    if (!hasCapitals(name)) return;
    const key = lowerCase(name);
    const same = this.#names.get(key) ?? none;
    // In order, so that answers do not depend on the order of registrations.
    if (!same.includes(name)) this.#names.set(key, [...same, name].sort());
  }

  delete(name: string): void {
    if (!hasCapitals(name)) return;
    const key = lowerCase(name);
    const left = (this.#names.get(key) ?? none).filter((each) => each !== name);
    if (left.length === 0) this.#names.delete(key);
    else this.#names.set(key, left);
  }

  /** @param name in lower case. @returns the names with capitals that it stands for, in order */
  get(name: string): readonly string[] {
    return this.#names.get(name) ?? none;
  }
}

function hasCapitals(name: string): boolean {
  return /[A-Z]/.test(name);
}
