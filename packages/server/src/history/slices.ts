/**
 * Counts the work of reading the history, so that it is done in slices: a unit is about a microsecond. All who read the history count alike, so no
 * request holds the event loop for long, however many changes, bytes and instances it goes through. It knows neither the history nor the readers.
 */

/** Some 5 ms. */
export const unitsPerSlice = 5_000;

/** What things cost. */
export const units = {
  /** To step over an entry. */
  entry: 0.15,
  /** To look a key up. */
  key: 0.5,
  /** To make a row of the bytes of an entry, and to remember it; besides its bytes. */
  row: 8,
  /** Of a row that is made. */
  byte: 0.01,
  /** To begin to follow an instance. */
  follow: 10,
  /** To judge an instance by its checks and those of its node. */
  judge: 2,
} as const;

/** Resolves in another turn of the event loop. */
export type Turn = () => Promise<void>;

export const nextTurn: Turn = () => new Promise((turn) => setImmediate(turn));

export class Slices {
  readonly #turn: Turn;
  #left = unitsPerSlice;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** @returns whether the slice is used up: then the caller waits for `turn` */
  spend(used: number): boolean {
    this.#left -= used;
    return this.#left <= 0;
  }

  turn(): Promise<void> {
    this.#left = unitsPerSlice;
    return this.#turn();
  }
}
