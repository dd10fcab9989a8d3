/**
 * Applies what the feed of an engine shows to the state, and tells who follows the state: first observers, then the
 * watchers of the views that changed. Where the events come from is `follower.ts`.
 */

import { RegistryError } from '@rollcall/protocol';
import type { EngineEvent, EngineRecord } from '../engine/engine.ts';
import { inTurns } from '../in-turns.ts';
import type { Observer } from '../registry/observer.ts';
import type { Relisting } from '../registry/relisting.ts';
import { isLarge, type Replacement } from '../registry/replacement.ts';
import type { Row } from '../registry/kinds.ts';
import type { Change } from '../registry/row.ts';
import { State, type Own } from '../registry/state.ts';
import { Views } from '../registry/views.ts';

/** Of a replacement: rows that are looked at, or made, between two turns of the event loop. Some 10 ms. */
export const rowsPerTurn = 1_024;

/** Records of a list that are taken over between two turns: some 5 ms, less than engines list at once. */
const recordsPerTurn = 512;

/** A yield takes as long as a part of a record. */
const recordsPerYield = 8;

/** Watchers that a replacement wakes between two turns: each begins an answer. */
const watchersPerTurn = 128;

type CaughtUp = Extract<EngineEvent, { kind: 'caught-up' }>;

export class Applier {
  readonly state = new State();
  readonly views = new Views(this.state);
  readonly #observers = new Set<Observer>();
  #loaded = false;
  /** All records, while they are listed again. */
  #relisting: Relisting<Row> | undefined;
  /** The commit in flight: engines in this process return the same bytes, not copies. */
  own: Own | undefined;

  observe(observer: Observer): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /**
   * Takes one event in; a large one takes many turns of the event loop.
   * @throws RegistryError `data_loss` when a record cannot be read, or the store has gone back
   */
  take(event: EngineEvent): Promise<void> | undefined {
    switch (event.kind) {
      case 'records':
        if (event.reset && this.#loaded) this.#relisting = this.state.relisting();
        return inTurns(this.#listing(event.records), recordsPerTurn);
      case 'caught-up': {
        const relisting = this.#relisting;
        this.#relisting = undefined;
        if (relisting !== undefined) return this.#relisted(relisting, event);
        if (this.#loaded) return undefined;
        this.#loaded = true;
        return inTurns(this.state.deriving(), rowsPerTurn).then(() => this.state.loaded(event.revision, event.base));
      }
      case 'transaction':
        if (isLarge(event)) return this.#replaced(event);
        this.#apply(event);
        return undefined;
    }
  }

  /** A step is one record. An engine may show many lists in one turn of its own. */
  *#listing(records: readonly EngineRecord[]): Generator<number, void, undefined> {
    let listed = 0;
    for (const record of records) {
      if (this.#relisting === undefined) this.state.load(record);
      else this.#relisting.add(record);
      if (++listed % recordsPerYield === 0) yield recordsPerYield;
    }
  }

  #apply(change: Change): void {
    const applied = this.state.apply(change, this.own);
    for (const observer of this.#observers) observer.observe(applied.changes, change.revision);
    this.views.publish(applied);
  }

  async #replaced(change: Change): Promise<void> {
    await this.#replace(await inTurns(this.state.replacing(change), rowsPerTurn));
  }

  /** Tells only the differences: most rows of the list are as they were. */
  async #relisted(relisting: Relisting<Row>, { revision, base }: CaughtUp): Promise<void> {
    if (revision < this.state.revision) {
      const message = `the store has gone back from revision ${this.state.revision} to ${revision}; was it restored beside Rollcall?`;
      throw new RegistryError('data_loss', message);
    }
    await this.#replace(await inTurns(relisting.finishing(revision, base), rowsPerTurn));
  }

  /** A reader sees the state before, then the one after. Telling those who follow it takes many turns. */
  async #replace(replacement: Replacement<Row>): Promise<void> {
    const before = await inTurns(this.views.watchedRevisions(), rowsPerTurn);
    this.state.replace(replacement);
    if (replacement.changes.length > 0) {
      const following = Array.from(this.#observers, (observer) => observer.replaced(replacement.changes));
      for (const steps of following) steps.next();
      for (const steps of following) await inTurns(steps, rowsPerTurn);
    }
    await inTurns(this.views.wakingChanged(before), watchersPerTurn);
  }
}
