/**
 * What a process has seen of its clients, as lines of a file, and back. A line has a checksum and fields between tabs:
 *
 *   store  ID                        first line: of which store the clients are
 *   begin  TIME                      a process begins; of the time since the look before, nothing is known
 *   +      BOOK KEY FROM VALUE       has this value from now on
 *   -      BOOK KEY                  has no value any more
 *   look   TIME                      ends a look: the lines since the one before are true from this time on
 *   whole  TIME                      as `look`, and what these lines do not name has ended
 *
 * So a look that was cut off has no effect. A book is what the lines are about: clients or edges. Knows no files.
 */

import { crc32 } from 'node:zlib';
import { Spans, type Lasting } from './spans.ts';

export const books = ['clients', 'edges'] as const;
export type Book = (typeof books)[number];

/** What is known of each book. */
export type Known = Readonly<Record<Book, Spans>>;

export const lineOf = {
  store: (id: string) => withSum(`store\t${id}`),
  begin: (atMs: number) => withSum(`begin\t${atMs}`),
  set: (book: Book, { key, value, fromMs }: Lasting) => withSum(`+\t${book}\t${JSON.stringify(key)}\t${fromMs}\t${value}`),
  end: (book: Book, key: string) => withSum(`-\t${book}\t${JSON.stringify(key)}`),
  look: (atMs: number) => withSum(`look\t${atMs}`),
  whole: (atMs: number) => withSum(`whole\t${atMs}`),
};

/** Values are JSON, which has no line feeds and no tabs. */
function withSum(text: string): string {
  return `${crc32(text).toString(16).padStart(8, '0')}\t${text}\n`;
}

interface Change {
  readonly book: Book;
  readonly key: string;
  readonly value?: string;
  readonly fromMs: number;
}

/** Reads files of lines, the oldest first, into what is known. */
export class LookReader {
  readonly #storeId: string;
  readonly #charactersMax: number;
  #known: Known | undefined;
  #lastMs = 0;
  /** Of the look that is read. */
  #changes: Change[] = [];
  /** The file before ended in the middle of something. */
  #isTorn = false;

  constructor(storeId: string, charactersMax: number) {
    this.#storeId = storeId;
    this.#charactersMax = charactersMax;
  }

  /** Undefined when nothing was found; with the time of the last look. */
  get found(): { readonly known: Known; readonly lastMs: number } | undefined {
    return this.#known === undefined ? undefined : { known: this.#known, lastMs: this.#lastMs };
  }

  /**
   * Reads one file, a step for each line.
   * @returns how many of its bytes are whole looks; undefined when it is of another store or has none
   */
  *read(bytes: Buffer): Generator<void, number | undefined, undefined> {
    let whole = 0;
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(10, at);
      if (end < 0) break;
      const [word = '', ...fields] = textOf(bytes.subarray(at, end)).split('\t');
      // Lines begin with those of one store.
      if ((word === 'store') !== (at === 0) || (word === 'store' && fields[0] !== this.#storeId)) break;
      const isEnd = word === 'begin' || word === 'look' || word === 'whole';
      if (isEnd) yield* this.#ends(word, Number(fields[0]));
      else if (word !== 'store' && !this.#take(word, fields)) break;
      at = end + 1;
      if (isEnd) whole = at;
      yield;
    }
    this.#changes = [];
    if (whole > 0) this.#isTorn = whole < bytes.length;
    return whole > 0 ? whole : undefined;
  }

  /** Takes a change in. @returns false if it is none */
  #take(word: string, [book, key = '', fromMs, value]: readonly string[]): boolean {
    if ((word !== '+' && word !== '-') || (book !== 'clients' && book !== 'edges')) return false;
    this.#changes.push({ book, key: JSON.parse(key) as string, fromMs: Number(fromMs), ...(value === undefined ? {} : { value }) });
    return true;
  }

  *#ends(word: 'begin' | 'look' | 'whole', atMs: number): Generator<void, void, undefined> {
    const known = (this.#known ??= { clients: new Spans(atMs, this.#charactersMax), edges: new Spans(atMs, this.#charactersMax) });
    if (this.#isTorn || word === 'begin') for (const book of books) known[book].gap(this.#lastMs === 0 ? atMs : this.#lastMs, atMs);
    this.#isTorn = false;
    const changes = this.#changes;
    this.#changes = [];
    if (word === 'whole') yield* endOthers(known, changes, atMs);
    for (const { book, key, value, fromMs } of changes) {
      if (value === undefined) known[book].end(key, atMs);
      else known[book].set(key, value, atMs, fromMs);
      yield;
    }
    this.#lastMs = atMs;
  }
}

function* endOthers(known: Known, changes: readonly Change[], atMs: number): Generator<void, void, undefined> {
  for (const book of books) {
    const others = new Set(known[book].keys());
    for (const change of changes) {
      if (change.book === book) others.delete(change.key);
      yield;
    }
    for (const key of others) {
      known[book].end(key, atMs);
      yield;
    }
  }
}

/** The text of a line; empty if its checksum is another one. */
function textOf(line: Buffer): string {
  const text = line.subarray(9);
  return line.length > 9 && crc32(text) === Number.parseInt(line.toString('latin1', 0, 8), 16) ? text.toString() : '';
}
