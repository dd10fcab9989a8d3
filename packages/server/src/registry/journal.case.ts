/**
 * A registry without engine or replica, for tests: commands in, changes folded, everything kept so
 * that a restart can be played. Synchronous and deterministic.
 */

import { decideBatch, type Outcome } from './batch.ts';
import type { Bound } from './fill.ts';
import type { AnyResult, Command, RowChange } from './kinds.ts';
import { State } from './state.ts';
import { Views } from './views.ts';

/** The result of a command after all of its steps. */
export type Settled = Exclude<Step, { readonly next: unknown }>;

type Step = Outcome<Command, AnyResult>;

export interface Committed<O extends Step = Settled> {
  readonly outcomes: readonly O[];
  readonly changes: readonly RowChange[];
  readonly views: ReadonlySet<string>;
  readonly revision: number;
}

export class Journal {
  state = new State();
  views = new Views(this.state);
  #revision = 0;
  readonly #records = new Map<string, { key: string; value: Uint8Array; revision: number }>();

  readonly #bound: Bound | undefined;
  /** Id of the node that decides; set, it is one of several. */
  nodeId: string | undefined;

  /** @param bound of a transaction; the usual one by default */
  constructor(bound?: Bound) {
    this.#bound = bound;
  }

  /** Commits everything, in as many transactions as it takes. */
  commit(commands: readonly Command[], now = 0): Committed {
    const outcomes: Settled[] = [];
    const changes: RowChange[] = [];
    const views = new Set<string>();
    for (let left = commands; left.length > 0; ) {
      const step = this.step(left, now);
      changes.push(...step.changes);
      for (const view of step.views) views.add(view);
      left = left.slice(step.outcomes.length);
      for (const outcome of step.outcomes) {
        if ('next' in outcome) left = [outcome.next, ...left];
        else outcomes.push(outcome);
      }
    }
    return { outcomes, changes, views, revision: this.#revision };
  }

  /** Commits one transaction with as many of the commands as it has room for. */
  step(commands: readonly Command[], now = 0): Committed<Step> {
    const { nodeId } = this;
    const options = { nodeId, guarded: nodeId !== undefined, ...(this.#bound === undefined ? {} : { bound: this.#bound }) };
    const { outcomesAt: at, writes } = decideBatch(this.state, commands, now, options);
    const outcomesAt = at as (revision: number) => readonly Step[];
    if (writes === undefined) return { outcomes: outcomesAt(this.#revision), changes: [], views: new Set(), revision: this.#revision };
    for (const { key, revision } of writes.expect) {
      const found = this.#records.get(key)?.revision ?? 0;
      if (found !== revision) throw new Error(`expectation of ${key}: ${revision}, found ${found}`);
    }
    for (const { under, notAfter } of writes.guards) {
      if (under === '' && notAfter !== this.#revision) throw new Error(`guard of the whole log: ${notAfter}, it stands at ${this.#revision}`);
    }
    const revision = ++this.#revision;
    for (const key of writes.delete) this.#records.delete(key);
    for (const { key, value } of writes.put) this.#records.set(key, { key, value, revision });
    const applied = this.state.apply({ revision, put: writes.put, delete: writes.delete });
    this.views.publish(applied);
    return { outcomes: outcomesAt(revision), ...applied, revision };
  }

  /** Writes records as another program would. */
  rewrite(put: readonly { readonly key: string; readonly value: Uint8Array }[]): void {
    const revision = ++this.#revision;
    for (const { key, value } of put) this.#records.set(key, { key, value, revision });
    this.state.apply({ revision, put, delete: [] });
  }

  /** Forgets the state and loads it again from the records. Watches are gone. @param base set when the store went back to a backup before this revision */
  restart(base = 0): void {
    this.#revision = Math.max(this.#revision, base);
    this.state = new State();
    this.views = new Views(this.state);
    for (const record of this.#records.values()) this.state.load(record);
    Array.from(this.state.deriving());
    this.state.loaded(this.#revision, base);
  }
}
