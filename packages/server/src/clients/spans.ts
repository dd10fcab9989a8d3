/**
 * What was true from when to when: for each key a value, with the times at which it began and ended. It is limited in characters: the values that
 * ended first are forgotten first. Pure; it knows neither what the values say nor a clock.
 *
 *   a  ├── 1 ──┤├──── 2 ────►      at this time: a is 2, b is 5, c is nothing
 *   b      ├─────── 5 ───────►
 *   c  ├─── 3 ──┤
 */

interface Span {
  readonly value: string;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
}

/** Of a span, besides its text. */
const overhead = 64;

export class Spans {
  readonly #charactersMax: number;
  readonly #lasting = new Map<string, Span>();
  /** In the order in which they ended; those before `#first` are forgotten. */
  #ended: Span[] = [];
  #first = 0;
  #characters = 0;
  #sinceMs: number;

  /** @param sinceMs nothing is known of the time before */
  constructor(sinceMs: number, charactersMax: number) {
    this.#sinceMs = sinceMs;
    this.#charactersMax = charactersMax;
  }

  /** The first time of which everything is known. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  get characters(): number {
    return this.#characters;
  }

  keys(): Iterable<string> {
    return this.#lasting.keys();
  }

  has(key: string): boolean {
    return this.#lasting.has(key);
  }

  /**
   * From now on the key has this value.
   * @param nowMs not before that of the call before
   * @param fromMs since when, if it is known: not before `sinceMs`, and only for a key without a value
   */
  set(key: string, value: string, nowMs: number, fromMs = nowMs): void {
    const known = this.#lasting.get(key);
    if (known?.value === value) return;
    if (known !== undefined) this.end(key, nowMs);
    this.#lasting.set(key, { value, fromMs, toMs: Infinity });
    this.#characters += value.length + overhead;
    this.#trim();
  }

  /** The key has no value any more. */
  end(key: string, nowMs: number): void {
    const span = this.#lasting.get(key);
    if (span === undefined) return;
    this.#lasting.delete(key);
    span.toMs = nowMs;
    this.#ended.push(span);
    this.#trim();
  }

  /** The values of a time, a step each; undefined for one that was not true then. */
  *at(atMs: number): Generator<string | undefined, void, undefined> {
    const [ended, first] = [this.#ended, this.#first];
    for (let at = first; at < ended.length; at++) {
      const { value, fromMs, toMs } = ended[at] as Span;
      yield fromMs <= atMs && atMs < toMs ? value : undefined;
    }
    for (const { value, fromMs } of [...this.#lasting.values()]) yield fromMs <= atMs ? value : undefined;
  }

  /** Keeps values that last, whatever they take: the caller limits them. */
  #trim(): void {
    while (this.#characters > this.#charactersMax && this.#first < this.#ended.length) {
      const { value, toMs } = this.#ended[this.#first++] as Span;
      this.#characters -= value.length + overhead;
      this.#sinceMs = Math.max(this.#sinceMs, toMs);
    }
    // Not with each one, since that would move all others each time. A reader goes on with the array that it has.
    if (this.#first > 1_024 && this.#first > this.#ended.length / 2) {
      this.#ended = this.#ended.slice(this.#first);
      this.#first = 0;
    }
  }
}
