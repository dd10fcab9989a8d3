/**
 * Looks through the history for what it has of certain subjects, in slices: forwards entry by entry, or backwards transaction by transaction.
 * It decodes nothing: its callers decode what they need, and say what that cost.
 */

import { Cursor } from './format.ts';
import type { Point, Segment } from './segment.ts';
import { Slices, units, type Turn } from './slices.ts';
import { anySubject } from './subject.ts';

export interface ScanOptions {
  /** The oldest first. */
  readonly segments: readonly Segment[];
  /** Only transactions after this time. */
  readonly afterMs: number;
  /** Only transactions up to this revision. */
  readonly upTo: number;
  readonly turn: Turn;
}

export class Scan {
  readonly slices: Slices;
  readonly #segments: readonly Segment[];
  readonly #options: ScanOptions;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.slices = new Slices(options.turn);
    this.#segments = options.segments.filter(({ last }) => last.atMs > options.afterMs);
  }

  /** Every entry. @param visit reads the present entry of the cursor; returns the units that this took */
  async forward(visit: (cursor: Cursor) => number): Promise<void> {
    const { afterMs, upTo } = this.#options;
    for (const segment of this.#segments) {
      const { buffer, end } = await segment.read();
      const cursor = new Cursor(buffer, end);
      while (cursor.nextTransaction() && cursor.revision <= upTo) {
        if (cursor.atMs <= afterMs) continue;
        while (cursor.nextEntry()) {
          if (this.slices.spend(units.entry + visit(cursor))) await this.slices.turn();
        }
      }
    }
  }

  /**
   * The transactions with an entry of one of the subjects, the newest first.
   * @param visit gets the places of these entries, in their order; it moves the cursor to them, and yields the units of each part of its work
   */
  async backward(subjects: ReadonlySet<number>, visit: (transaction: Point, entries: readonly number[], cursor: Cursor) => Iterable<number>): Promise<void> {
    const { afterMs, upTo } = this.#options;
    for (const segment of this.#segments.toReversed()) {
      const { buffer, end } = await segment.read();
      const cursor = new Cursor(buffer, end);
      const found: { readonly transaction: Point; readonly entries: number[] }[] = [];
      while (cursor.nextTransaction() && cursor.revision <= upTo) {
        if (cursor.atMs <= afterMs) continue;
        let entries: number[] | undefined;
        while (cursor.nextEntry()) {
          if (subjects.has(cursor.subject) || cursor.subject === anySubject) {
            if (entries === undefined) found.push({ transaction: { revision: cursor.revision, atMs: cursor.atMs }, entries: (entries = []) });
            entries.push(cursor.at);
          }
          if (this.slices.spend(units.entry)) await this.slices.turn();
        }
      }
      for (const { transaction, entries } of found.toReversed()) {
        for (const used of visit(transaction, entries, cursor)) if (this.slices.spend(used)) await this.slices.turn();
      }
    }
  }
}
