/**
 * A set of strings in order, for prefix scans, that knows the newest revision under each prefix. Order is by
 * UTF-16 code unit.
 *
 *   chunks   [ a b c … ] [ k l m … ] [ s t u … ]     each sorted, at most `chunkMax` long,
 *            [ 7 2 9 … ] [ 4 1 6 … ] [ 3 5 8 … ]     first keys ascending from chunk to chunk;
 *            newest 9    newest 6    newest 8        the revision of each key, and the newest of a chunk
 *
 * Insert and delete move at most one chunk's worth of entries; search is two binary searches. With chunks
 * of 512, a million keys are 4,000 chunks and an insert costs about a microsecond. The newest revision
 * under a prefix looks at each chunk below it, and at the single keys of the first and the last one only.
 */

const chunkMax = 512;

interface Chunk {
  readonly keys: string[];
  readonly revisions: number[];
  newest: number;
}

export class OrderedKeys {
  readonly #chunks: Chunk[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a key, or gives one that is there another revision. */
  add(key: string, revision = 0): void {
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push({ keys: [key], revisions: [revision], newest: revision });
      this.#size = 1;
      return;
    }
    const { keys, revisions } = chunk;
    const index = lowerBound(keys, key);
    if (keys[index] === key) {
      const before = revisions[index];
      revisions[index] = revision;
      if (before === chunk.newest && revision < before) chunk.newest = newestOf(revisions);
    } else {
      keys.splice(index, 0, key);
      revisions.splice(index, 0, revision);
      this.#size++;
    }
    chunk.newest = Math.max(chunk.newest, revision);
    if (keys.length > chunkMax) this.#split(at, chunk);
  }

  delete(key: string): void {
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const { keys, revisions } = chunk;
    const index = lowerBound(keys, key);
    if (keys[index] !== key) return;
    keys.splice(index, 1);
    const [revision] = revisions.splice(index, 1);
    this.#size--;
    if (keys.length === 0) this.#chunks.splice(at, 1);
    else if (revision === chunk.newest) chunk.newest = newestOf(revisions);
  }

  /**
   * The keys that start with `prefix`, in order. The set must not change while iterating.
   * @param after only those above this one
   */
  *under(prefix: string, after?: string): Generator<string, void, undefined> {
    const from = after === undefined || after < prefix ? prefix : `${after}\0`;
    let at = this.#chunkFor(from);
    let index = lowerBound(this.#chunks[at]?.keys ?? [], from);
    for (; at < this.#chunks.length; at++, index = 0) {
      const { keys } = this.#chunks[at] as Chunk;
      for (; index < keys.length; index++) {
        const key = keys[index] as string;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  /** The newest revision of a key that starts with `prefix`; 0 when there is none. */
  newestUnder(prefix: string): number {
    let newest = 0;
    for (const { keys, revisions, newest: whole, from, to } of this.#parts(prefix)) {
      if (from === 0 && to === keys.length) newest = Math.max(newest, whole);
      else for (let index = from; index < to; index++) newest = Math.max(newest, revisions[index] as number);
    }
    return newest;
  }

  /** The chunks with keys under a prefix, and the range of those keys in each. */
  *#parts(prefix: string): Generator<Chunk & { readonly from: number; readonly to: number }> {
    let at = this.#chunkFor(prefix);
    let from = lowerBound(this.#chunks[at]?.keys ?? [], prefix);
    for (; at < this.#chunks.length; at++, from = 0) {
      const chunk = this.#chunks[at] as Chunk;
      const { keys } = chunk;
      const whole = keys.at(-1)?.startsWith(prefix) === true;
      const to = whole ? keys.length : endOf(keys, prefix, from);
      if (to > from) yield { ...chunk, from, to };
      // The first of the chunks may end just before the prefix.
      if (!whole && from < keys.length) return;
    }
  }

  #split(at: number, chunk: Chunk): void {
    const keys = chunk.keys.splice(chunkMax >> 1);
    const revisions = chunk.revisions.splice(chunkMax >> 1);
    this.#chunks.splice(at + 1, 0, { keys, revisions, newest: newestOf(revisions) });
    chunk.newest = newestOf(chunk.revisions);
  }

  /** The last chunk whose first key is not above `key`; 0 when there is none. */
  #chunkFor(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#chunks[middle]?.keys[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function newestOf(revisions: readonly number[]): number {
  let newest = 0;
  for (const revision of revisions) newest = Math.max(newest, revision);
  return newest;
}

/** The first index from `from` on whose key is not under the prefix: such keys follow one another. */
function endOf(keys: readonly string[], prefix: string, from: number): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]?.startsWith(prefix) === true) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
