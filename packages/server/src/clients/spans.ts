/**
 * What was true from when to when: for each key a value, with the times at which it began and ended. It is limited in characters: the values that
 * ended first are forgotten first. Pure; it knows neither what the values say nor a clock.
 *
 *   a  ├── 1 ──┤├──── 2 ────┤       ├─ 2 ─►     at this time: a is 2, b is 5, c is nothing
 *   b      ├─────── 5 ──────┤       ├─ 5 ─►
 *   c  ├─── 3 ──┤             gap               nothing is known of the time in a gap
 */

interface Span {
  readonly value: string;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
}

/** A time of which nothing is known: after the first moment, and before the last. */
interface Gap {
  readonly afterMs: number;
  readonly untilMs: number;
}

/** A value that lasts. */
export interface Lasting {
  readonly key: string;
  readonly value: string;
  readonly fromMs: number;
}

/** Of a span, besides its text. */
export const overhead = 64;

/** Beyond that, what was before the oldest of them is forgotten. */
const gapsMax = 1_000;

export class Spans {
  readonly #charactersMax: number;
  readonly #lasting = new Map<string, Span>();
  /** In the order in which they ended; those before `#first` are forgotten. */
  #ended: Span[] = [];
  #first = 0;
  #characters = 0;
  #sinceMs: number;
  /** In their order. */
  #gaps: Gap[] = [];

  /** @param sinceMs nothing is known of the time before */
  constructor(sinceMs: number, charactersMax: number) {
    this.#sinceMs = sinceMs;
    this.#charactersMax = charactersMax;
  }

  /** The first time that is known. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** From when on all is known without a gap. */
  get gaplessMs(): number {
    return this.#gaps.at(-1)?.untilMs ?? this.#sinceMs;
  }

  get characters(): number {
    return this.#characters;
  }

  /** The first time from the given one on that is known: that time itself, unless it is in a gap or before all. */
  knownFrom(atMs: number): number {
    if (atMs < this.#sinceMs) return this.#sinceMs;
    return this.#gaps.find(({ afterMs, untilMs }) => afterMs < atMs && atMs < untilMs)?.untilMs ?? atMs;
  }

  keys(): Iterable<string> {
    return this.#lasting.keys();
  }

  has(key: string): boolean {
    return this.#lasting.has(key);
  }

  *lasting(): Generator<Lasting, void, undefined> {
    for (const [key, { value, fromMs }] of this.#lasting) yield { key, value, fromMs };
  }

  /**
   * From now on the key has this value.
   * @param nowMs not before that of the call before
   * @param fromMs since when, if it is known: not before `sinceMs`, and only for a key without a value
   * @returns whether that is new
   */
  set(key: string, value: string, nowMs: number, fromMs = nowMs): boolean {
    const known = this.#lasting.get(key);
    if (known?.value === value) return false;
    if (known !== undefined) this.end(key, nowMs);
    this.#lasting.set(key, { value, fromMs, toMs: Infinity });
    this.#characters += value.length + overhead;
    this.#trim();
    return true;
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

  /** Nothing is known of the time between two moments, the second of which is now; what lasted until then has ended. */
  gap(afterMs: number, nowMs: number): void {
    for (const key of [...this.#lasting.keys()]) this.end(key, nowMs);
    if (nowMs <= afterMs) return;
    this.#gaps.push({ afterMs, untilMs: nowMs });
    const oldest = this.#gaps.length > gapsMax ? this.#gaps.shift() : undefined;
    if (oldest !== undefined) this.#sinceMs = Math.max(this.#sinceMs, oldest.untilMs);
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

  /** Ended values, those that ended last first, with the last time at which each is known to have been true. */
  *endedLast(): Generator<{ readonly value: string; readonly lastMs: number }, void, undefined> {
    const [ended, first, gaps] = [this.#ended, this.#first, [...this.#gaps]];
    for (let at = ended.length - 1; at >= first; at--) {
      const { value, toMs } = ended[at] as Span;
      yield { value, lastMs: gaps.find(({ untilMs }) => untilMs === toMs)?.afterMs ?? toMs };
    }
  }

  /** Keeps values that last, whatever they take: the caller limits them. */
  #trim(): void {
    while (this.#characters > this.#charactersMax && this.#first < this.#ended.length) {
      const { value, toMs } = this.#ended[this.#first++] as Span;
      this.#characters -= value.length + overhead;
      this.#sinceMs = Math.max(this.#sinceMs, toMs);
    }
    if ((this.#gaps[0]?.untilMs ?? Infinity) <= this.#sinceMs) this.#gaps = this.#gaps.filter(({ untilMs }) => untilMs > this.#sinceMs);
    // Not with each one, since that would move all others each time. A reader goes on with the array that it has.
    if (this.#first > 1_024 && this.#first > this.#ended.length / 2) {
      this.#ended = this.#ended.slice(this.#first);
      this.#first = 0;
    }
  }
}
