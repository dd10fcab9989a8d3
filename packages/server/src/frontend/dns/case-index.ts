/**
 * Names that contain capital letters, by their lower case: names of the DNS know no case (RFC 4343), those of the
 * registry do. All other names are looked up as they are, so this is small in most registries. Names are unique within
 * a scope, for example the services of one namespace.
 */

import { lowerCase } from './host-name.ts';

const none: readonly string[] = [];

export class CaseIndex {
  readonly #names = new Map<string, readonly string[]>();

  add(scope: string, name: string): void {
    if (!hasCapitals(name)) return;
    const key = keyOf(scope, name);
    const same = this.#names.get(key) ?? none;
    // In order, so that answers do not depend on the order of registrations.
    if (!same.includes(name)) this.#names.set(key, [...same, name].sort());
  }

  delete(scope: string, name: string): void {
    if (!hasCapitals(name)) return;
    const key = keyOf(scope, name);
    const left = (this.#names.get(key) ?? none).filter((each) => each !== name);
    if (left.length === 0) this.#names.delete(key);
    else this.#names.set(key, left);
  }

  /** @returns the names with capitals that differ from this one in case only, in order; the name itself may be one */
  get(scope: string, name: string): readonly string[] {
    // Most registries have no such names, and every wrong name that a client asks for comes here.
    return this.#names.size === 0 ? none : (this.#names.get(keyOf(scope, name)) ?? none);
  }
}

function keyOf(scope: string, name: string): string {
  return `${scope}\0${lowerCase(name)}`;
}

function hasCapitals(name: string): boolean {
  return /[A-Z]/.test(name);
}
