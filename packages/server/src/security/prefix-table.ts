/**
 * A table of names and prefixes, each with a number. A look-up returns the number of the name itself,
 * or else that of its longest prefix.
 *
 *   prefixes, sorted      ""   "app/"   "app/db/"   "web"
 *   parent, by index      -1      0         1         0      the longest shorter prefix of the same chain
 *
 * Take the greatest prefix that does not sort after the name. It is a prefix of the name, or all prefixes of the name
 * in the table are also prefixes of it, that is, its ancestors. A look-up is a binary search and a walk up that
 * chain, and allocates nothing.
 */

export class PrefixTable {
  readonly #exact = new Map<string, number>();
  readonly #prefixes: readonly string[];
  readonly #values: readonly number[];
  readonly #parents: readonly number[];

  /** @param values numbers above 0 */
  constructor(exact: ReadonlyMap<string, number>, prefixes: ReadonlyMap<string, number>) {
    for (const [name, value] of exact) this.#exact.set(name, value);
    this.#prefixes = [...prefixes.keys()].sort(byCodeUnit);
    this.#values = this.#prefixes.map((prefix) => prefixes.get(prefix) ?? 0);
    this.#parents = parentsOf(this.#prefixes);
  }

  /** 0 if the table has neither the name nor a prefix of it. */
  get(name: string): number {
    if (this.#exact.size > 0) {
      const value = this.#exact.get(name);
      if (value !== undefined) return value;
    }
    return this.longestPrefix(name);
  }

  /** The number of the longest prefix of the name; ignores exact names. 0 if there is no prefix. */
  longestPrefix(name: string): number {
    let at = this.#lastUpTo(name);
    while (at >= 0 && !name.startsWith(this.#prefixes[at] as string)) at = this.#parents[at] as number;
    return at < 0 ? 0 : (this.#values[at] as number);
  }

  /** Whether `test` holds for every entry whose name or prefix starts with `prefix`. */
  everyUnder(prefix: string, test: (value: number, name: string, isPrefix: boolean) => boolean): boolean {
    for (const [name, value] of this.#exact) if (name.startsWith(prefix) && !test(value, name, false)) return false;
    return this.#prefixes.every((other, at) => !other.startsWith(prefix) || test(this.#values[at] as number, other, true));
  }

  /** Whether any number in the table is at least `min`. */
  reaches(min: number): boolean {
    for (const value of this.#exact.values()) if (value >= min) return true;
    return this.#values.some((value) => value >= min);
  }

  /** Index of the greatest prefix that does not sort after the name; -1 if all do. */
  #lastUpTo(name: string): number {
    const prefixes = this.#prefixes;
    let low = 0;
    let high = prefixes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((prefixes[middle] as string) <= name) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The order of `<=` on strings, which does not depend on the locale. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function parentsOf(sorted: readonly string[]): number[] {
  const parents: number[] = [];
  sorted.forEach((prefix, at) => {
    let parent = at - 1;
    while (parent >= 0 && !prefix.startsWith(sorted[parent] as string)) parent = parents[parent] as number;
    parents.push(parent);
  });
  return parents;
}
