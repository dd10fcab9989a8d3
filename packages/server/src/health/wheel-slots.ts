/**
 * The slots of a hierarchical timing wheel: which entries are due at which tick. Pure; it counts in
 * ticks and knows no clock (`wheel.ts` has one).
 *
 *   level   a slot spans    the level spans      occupied slots: one bit each in one word
 *     0         1 tick          32 ticks        [ · ■ · · · ■ · · … ]    ■ → entry ⇄ entry ⇄ ■
 *     1        32 ticks      1,024 ticks        [ · · · ■ · · · · … ]
 *     2     1,024 ticks     32,768 ticks        [ ■ · · · · · · · … ]    at a slot's first tick its
 *     3    32,768 ticks        2²⁰ ticks        [ · · · · · · · · … ]    entries move to finer levels
 *     4       2²⁰ ticks        2²⁵ ticks        [ · · · · · · · · … ]    (longer ones go round again)
 *
 * Insert, move and remove are O(1) and allocate nothing: the rings link the entries. A later
 * deadline does not even move its entry; the slot finds the later deadline at its tick.
 *
 * Source: G. Varghese, A. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme 7.
 */

/** As many as a word has bits, so that the next occupied slot is found by counting zeros. */
const slots = 32;
const widths: readonly number[] = [1, 32, 1_024, 32_768, 1_048_576];
const top = widths.length - 1;

class Link {
  previous: Link = this;
  next: Link = this;
}

export class Entry extends Link {
  /** The tick at which it is due. */
  deadline = 0;
  /** The first tick of its slot, when it is examined next. Never after `deadline`. */
  visit = 0;
  /** Index of its slot; -1 while it is in none. */
  slot = -1;
}

export class Slots {
  readonly #rings = Array.from({ length: widths.length * slots }, () => new Link());
  /** One word per level: bit n is set while slot n is occupied. */
  readonly #occupied = new Int32Array(widths.length);
  #tick = 0;
  #size = 0;

  /** Everything due up to and including this tick has been handed out. */
  get tick(): number {
    return this.#tick;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an entry with a `deadline`, or moves it. A past one counts as the next tick. */
  put(entry: Entry, deadline: number): void {
    if (entry.slot >= 0) {
      if (deadline >= entry.visit && deadline > this.#tick) {
        entry.deadline = deadline;
        return;
      }
      this.remove(entry);
    }
    entry.deadline = Math.max(deadline, this.#tick + 1);
    this.#size++;
    this.#link(entry);
  }

  remove(entry: Entry): void {
    if (entry.slot < 0) return;
    this.#unlink(entry);
    entry.slot = -1;
    this.#size--;
  }

  /** The next tick at which a slot must be examined; `Infinity` if all are empty. O(levels). */
  next(): number {
    let next = Infinity;
    for (let level = 0; level <= top; level++) {
      const occupied = this.#occupied[level]!;
      if (occupied === 0) continue;
      const width = widths[level]!;
      const current = Math.floor(this.#tick / width);
      // Rotated so that bit 0 is the slot after the current one; the current one comes last.
      const shift = (current + 1) & (slots - 1);
      const ahead = (occupied >>> shift) | (occupied << -shift);
      const first = (current + 1 + (31 - Math.clz32(ahead & -ahead))) * width;
      if (first < next) next = first;
    }
    return next;
  }

  /** Advances to a tick before `next()`; ignores an earlier one than now. */
  skipTo(tick: number): void {
    if (tick > this.#tick) this.#tick = tick;
  }

  /**
   * Advances to `tick` and hands out all entries due until then, tick by tick; within a tick in no
   * particular order. `due` may put and remove entries; it must not throw.
   */
  advance(tick: number, due: (entry: Entry) => void): void {
    for (let next = this.next(); next <= tick; next = this.next()) {
      this.#tick = next;
      // Coarse levels first: they may hand entries down.
      for (let level = top; level >= 0; level--) {
        const width = widths[level]!;
        if (next % width === 0) this.#visit(level * slots + ((next / width) & (slots - 1)), due);
      }
    }
    this.skipTo(tick);
  }

  #visit(slot: number, due: (entry: Entry) => void): void {
    const ring = this.#rings[slot]!;
    if (ring.next === ring) return;
    // In a separate ring, so that entries which `due` or #link puts into this slot are not handled now.
    const visited = new Link();
    visited.next = ring.next;
    visited.previous = ring.previous;
    visited.next.previous = visited;
    visited.previous.next = visited;
    ring.next = ring;
    ring.previous = ring;
    this.#vacate(slot);
    for (let link = visited.next; link !== visited; link = visited.next) {
      const entry = link as Entry;
      this.#unlink(entry);
      if (entry.deadline > this.#tick) {
        this.#link(entry);
        continue;
      }
      entry.slot = -1;
      this.#size--;
      due(entry);
    }
  }

  #link(entry: Entry): void {
    const away = entry.deadline - this.#tick;
    let level = 0;
    while (level < top && away >= widths[level + 1]!) level++;
    const width = widths[level]!;
    const current = Math.floor(this.#tick / width);
    // Beyond the top level: goes round the top level again.
    const nth = Math.min(Math.floor(entry.deadline / width), current + slots - 1);
    const slot = level * slots + (nth & (slots - 1));
    entry.visit = nth * width;
    entry.slot = slot;
    const ring = this.#rings[slot]!;
    entry.next = ring;
    entry.previous = ring.previous;
    ring.previous.next = entry;
    ring.previous = entry;
    this.#occupied[level]! |= 1 << (slot & (slots - 1));
  }

  #unlink(entry: Entry): void {
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    entry.previous = entry;
    entry.next = entry;
    const ring = this.#rings[entry.slot]!;
    if (ring.next === ring) this.#vacate(entry.slot);
  }

  #vacate(slot: number): void {
    this.#occupied[Math.floor(slot / slots)]! &= ~(1 << (slot & (slots - 1)));
  }
}
