/**
 * News on their way to all members, piggybacked on datagrams. Each is sent a limited number of times, the least sent
 * first; news replaces older news of the same subject. SWIM, §4.1 (A. Das, I. Gupta, A. Motivala, DSN 2002);
 * memberlist, queue.go.
 *
 *   rounds[0]  not sent yet       ─┐
 *   rounds[1]  sent once           ├─► take: from the top, until the datagram is full
 *   …                             ─┘   each taken one moves one round down, and falls out at the limit
 *
 * `take` costs O(news taken + rounds).
 */

import type { Update } from '../messages.ts';

interface Entry {
  readonly update: Update;
  readonly bytes: number;
  readonly subject: string;
}

/** Most news at once. More is possible only if very many rows change at once; exchanges of states bring the rest. */
const newsMax = 8_192;

export class Broadcasts {
  readonly #sizeOf: (update: Update) => number;
  readonly #rounds: Map<string, Entry>[] = [];
  /** The round that an entry is in. */
  readonly #placed = new Map<string, number>();

  /** @param sizeOf bytes that an update takes in a datagram */
  constructor(sizeOf: (update: Update) => number) {
    this.#sizeOf = sizeOf;
  }

  get size(): number {
    return this.#placed.size;
  }

  add(update: Update): void {
    const subject = subjectOf(update);
    this.#remove(subject);
    if (this.#placed.size >= newsMax) this.#dropMostSent();
    this.#place({ update, subject, bytes: this.#sizeOf(update) }, 0);
  }

  /**
   * @param bytesMax room in the datagram
   * @param limit how often each is sent
   */
  take(bytesMax: number, limit: number): Update[] {
    let room = bytesMax;
    const taken: { entry: Entry; round: number }[] = [];
    for (let round = 0; round < this.#rounds.length && room > 0; round++) {
      for (const entry of (this.#rounds[round] as Map<string, Entry>).values()) {
        if (entry.bytes > room) continue;
        room -= entry.bytes;
        taken.push({ entry, round });
        // The smallest update is about this long.
        if (room < 16) break;
      }
    }
    for (const { entry, round } of taken) {
      this.#remove(entry.subject);
      if (round + 1 < limit) this.#place(entry, round + 1);
    }
    return taken.map(({ entry }) => entry.update);
  }

  #place(entry: Entry, round: number): void {
    while (this.#rounds.length <= round) this.#rounds.push(new Map());
    (this.#rounds[round] as Map<string, Entry>).set(entry.subject, entry);
    this.#placed.set(entry.subject, round);
  }

  #remove(subject: string): void {
    const round = this.#placed.get(subject);
    if (round === undefined) return;
    this.#rounds[round]?.delete(subject);
    this.#placed.delete(subject);
  }

  #dropMostSent(): void {
    for (let round = this.#rounds.length - 1; round >= 0; round--) {
      for (const subject of (this.#rounds[round] as Map<string, Entry>).keys()) {
        this.#remove(subject);
        return;
      }
    }
  }
}

/** News of the same subject replaces older news. */
function subjectOf(update: Update): string {
  return update.kind === 'row' ? `${update.owner}\n${update.key}` : update.name;
}
