/**
 * The revision of every record by key, now and at earlier moments that are still read. Remembering a
 * moment costs nothing at first, and then one entry for each key that changes afterwards: a copy of
 * a few hundred thousand entries would hold the event loop for a tenth of a second.
 */

import type { KeyMap } from '../../key-map.ts';

export class Revisions {
  readonly #now: KeyMap<number>;
  readonly #moments = new Set<Moment>();

  /** @param now the map that this object keeps and changes */
  constructor(now: KeyMap<number>) {
    this.#now = now;
  }

  get(key: string): number | undefined {
    return this.#now.get(key);
  }

  /** @param revision 0 when the record is gone */
  set(key: string, revision: number): void {
    if (this.#moments.size > 0) {
      const before = this.#now.get(key) ?? 0;
      for (const moment of this.#moments) moment.keep(key, before);
    }
    if (revision === 0) this.#now.delete(key);
    else this.#now.set(key, revision);
  }

  /** Puts an equal string in the place of a key. */
  share(key: string): void {
    const revision = this.#now.get(key);
    if (revision === undefined) return;
    this.#now.delete(key);
    this.#now.set(key, revision);
  }

  /** The revisions as they are now; `forget` must be called. */
  remember(): Moment {
    const moment = new Moment(this.#now, (each) => this.#moments.delete(each));
    this.#moments.add(moment);
    return moment;
  }
}

/** The revisions at one moment. */
export class Moment {
  readonly #now: Pick<KeyMap<number>, 'get'>;
  /** Of the keys that have changed since; 0 for a key that did not exist. */
  readonly #before = new Map<string, number>();
  readonly #onForgotten: (moment: Moment) => void;

  constructor(now: Pick<KeyMap<number>, 'get'>, onForgotten: (moment: Moment) => void) {
    this.#now = now;
    this.#onForgotten = onForgotten;
  }

  /** 0 when there was no such record. */
  get(key: string): number {
    return this.#before.get(key) ?? this.#now.get(key) ?? 0;
  }

  /** To be called before a key changes. */
  keep(key: string, revision: number): void {
    if (!this.#before.has(key)) this.#before.set(key, revision);
  }

  /** Idempotent. */
  forget(): void {
    this.#onForgotten(this);
  }
}
