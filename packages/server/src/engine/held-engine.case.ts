/**
 * An engine that other replicas write to, as tests drive it: its feed is held back, cut and made to start again by hand, so
 * that a lagging node acts the same in every run.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Engine, EngineEvent, Transaction } from './engine.ts';

/** A fault on purpose, between a replica and its engine: a suite has to notice it. */
export interface Fault {
  /** Changes the transactions that the replica commits. */
  readonly commit?: (transaction: Transaction) => Transaction;
  /** Changes the events and answers that the replica gets from the store. */
  readonly event?: (event: EngineEvent) => EngineEvent;
  /** The replica takes itself for the only writer. */
  readonly exclusive?: true;
  /** `barrier()` returns the newest revision that this node has seen. */
  readonly staleBarrier?: true;
}

export interface HeldEngine {
  /** For the replica. */
  readonly engine: Engine;
  /** Transactions that the engine was asked to commit. */
  readonly commits: Transaction[];
  /** With which revision the feed was followed each time; undefined from the beginning. */
  readonly follows: (number | undefined)[];
  /** From now on the feed shows no further transaction. */
  hold(): void;
  /** Shows what was held back, and what comes. */
  go(): void;
  /** Resolves when a commit has taken effect, or the replica asks the engine where it stands: it has decided by then. */
  decided(): Promise<void>;
  /** Ends the feed with an error; it can be followed again at once. */
  cut(error?: RegistryError): void;
  /** While true, the engine cannot be reached. */
  unreachable: boolean;
  /** While true, commits and barriers get no answer. */
  silent: boolean;
  /** Forgets the history of the feed: who follows it next gets all records. */
  compact(): void;
}

export function heldEngine(engine: Engine, fault: Fault = {}): HeldEngine {
  const commits: Transaction[] = [];
  const follows: (number | undefined)[] = [];
  let held = false;
  let compacted = false;
  let release = () => {};
  let lost: (error: RegistryError) => void = () => {};
  const waiting: (() => void)[] = [];
  let shown = 0;
  const tell = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const assertReachable = () => {
    if (state.unreachable) throw new RegistryError('unavailable', 'the store cannot be reached');
  };
  const never = new Promise<never>(() => {});

  async function* changes(following: { readonly after?: number; readonly signal: AbortSignal }): AsyncGenerator<EngineEvent> {
    follows.push(following.after);
    assertReachable();
    const { signal } = following;
    const cut = new Promise<RegistryError>((resolve) => (lost = resolve));
    const resume = following.after === undefined || compacted ? {} : { after: following.after };
    compacted = false;
    const events = engine.changes({ ...resume, signal })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await Promise.race([events.next(), cut]);
        if (next instanceof RegistryError) throw next;
        if (next.done === true) return;
        const event = fault.event?.(next.value) ?? next.value;
        if (held && event.kind === 'transaction') {
          const error = await Promise.race([new Promise<void>((resolve) => (release = resolve)), cut]);
          if (error !== undefined) throw error;
        }
        if (event.kind !== 'records') shown = event.revision;
        yield event;
      }
    } finally {
      // What waits for the next transaction would keep `return` waiting, too.
      void events.return?.();
    }
  }

  const view: Engine = {
    name: engine.name,
    limits: engine.limits,
    exclusive: fault.exclusive ?? false,
    ...(engine.presence === undefined ? {} : { presence: engine.presence }),
    changes,
    async commit(transaction) {
      assertReachable();
      commits.push(transaction);
      if (state.silent) return never;
      const result = await engine.commit(fault.commit?.(transaction) ?? transaction);
      if (result.ok) tell();
      return result;
    },
    async barrier() {
      assertReachable();
      tell();
      if (state.silent) return never;
      const revision = await engine.barrier();
      return fault.staleBarrier === true ? shown : revision;
    },
    close: () => engine.close(),
  };
  const state: HeldEngine = {
    engine: view,
    commits,
    follows,
    unreachable: false,
    silent: false,
    hold: () => {
      held = true;
    },
    go: () => {
      held = false;
      release();
    },
    decided: () => new Promise((resolve) => waiting.push(resolve)),
    cut: (error = new RegistryError('unavailable', 'the connection is lost')) => lost(error),
    compact: () => {
      compacted = true;
    },
  };
  return state;
}
