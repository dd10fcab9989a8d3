/**
 * A registry without engine or replica, for tests: commands in, changes folded, everything kept so
 * that a restart can be played. Synchronous and deterministic.
 */

import { decideBatch, type Outcome } from './batch.ts';
import type { Command } from './command.ts';
import type { RowChange } from './rows.ts';
import { State } from './state.ts';
import { Views } from './views.ts';

export interface Committed {
  readonly outcomes: readonly Outcome[];
  readonly changes: readonly RowChange[];
  readonly views: ReadonlySet<string>;
  readonly revision: number;
}

export class Journal {
  state = new State();
  views = new Views(this.state);
  #revision = 0;
  readonly #records = new Map<string, { key: string; value: Uint8Array; revision: number }>();

  commit(commands: readonly Command[], now = 0): Committed {
    const { outcomesAt, writes } = decideBatch(this.state, commands, now);
    if (writes === undefined) return { outcomes: outcomesAt(this.#revision), changes: [], views: new Set(), revision: this.#revision };
    for (const { key, revision } of writes.expect) {
      const found = this.#records.get(key)?.revision ?? 0;
      if (found !== revision) throw new Error(`expectation of ${key}: ${revision}, found ${found}`);
    }
    const revision = ++this.#revision;
    for (const key of writes.delete) this.#records.delete(key);
    for (const { key, value } of writes.put) this.#records.set(key, { key, value, revision });
    const applied = this.state.apply({ revision, put: writes.put, delete: writes.delete });
    this.views.publish(applied);
    return { outcomes: outcomesAt(revision), ...applied, revision };
  }

  /** Forgets the state and loads it again from the records. Watches are gone. */
  restart(): void {
    this.state = new State();
    this.views = new Views(this.state);
    for (const record of this.#records.values()) this.state.load(record);
    this.state.loaded(this.#revision);
  }
}
