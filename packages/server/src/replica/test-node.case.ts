/**
 * A replica on an engine that other replicas write to, as tests drive it: its feed is held back, cut and made to start again
 * by hand, so that what a lagging node does is the same in every run.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Engine, EngineEvent, Transaction } from '../engine/engine.ts';
import { manualClock } from '../manual-clock.case.ts';
import { Replica, type ReplicaOptions } from '../replica.ts';

export type ManualClock = ReturnType<typeof manualClock>;

/** A fault on purpose, between a replica and its engine: a suite has to notice it. */
export interface Fault {
  /** Changes the transactions that the replica commits. */
  readonly commit?: (transaction: Transaction) => Transaction;
  /** Changes what the replica is told of the store. */
  readonly event?: (event: EngineEvent) => EngineEvent;
  /** The replica takes itself for the only writer. */
  readonly exclusive?: true;
  /** `barrier()` says what this node has been shown. */
  readonly staleBarrier?: true;
}

export interface TestNode {
  readonly replica: Replica;
  readonly clock: ManualClock;
  /** Transactions that the engine was asked to commit. */
  readonly commits: Transaction[];
  /** With which revision the feed was followed each time; undefined from the beginning. */
  readonly follows: (number | undefined)[];
  /** What the replica could not survive. */
  readonly fatal: RegistryError[];
  /** From now on the feed shows no further transaction. */
  hold(): void;
  /** Shows what was held back, and what comes. */
  go(): void;
  /** Resolves when a commit has taken effect, or the replica asks the engine where it stands: it has decided by then. */
  decided(): Promise<void>;
  /** Ends the feed with an error, and resolves when the replica has noticed; it can be followed again at once. */
  lose(error?: RegistryError): Promise<void>;
  /** Lets the clock run until the replica follows the store again. */
  recover(): Promise<void>;
  /** While true, the engine cannot be reached. */
  unreachable: boolean;
  /** Forgets the history of the feed: who follows it next gets all records. */
  compact(): void;
  close(): Promise<void>;
}

export async function testNode(engine: Engine, fault: Fault = {}, options: Partial<ReplicaOptions> = {}): Promise<TestNode> {
  const clock = manualClock();
  const commits: Transaction[] = [];
  const follows: (number | undefined)[] = [];
  const fatal: RegistryError[] = [];
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
    if (node.unreachable) throw new RegistryError('unavailable', 'the store cannot be reached');
  };

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
      const result = await engine.commit(fault.commit?.(transaction) ?? transaction);
      if (result.ok) tell();
      return result;
    },
    async barrier() {
      assertReachable();
      tell();
      const revision = await engine.barrier();
      return fault.staleBarrier === true ? shown : revision;
    },
    close: () => engine.close(),
  };
  const replica = new Replica({ engine: view, clock, onFatal: (error) => fatal.push(error), ...options });
  const node: TestNode = {
    replica,
    clock,
    commits,
    follows,
    fatal,
    unreachable: false,
    hold: () => {
      held = true;
    },
    go: () => {
      held = false;
      release();
    },
    decided: () => new Promise((resolve) => waiting.push(resolve)),
    async lose(error = new RegistryError('unavailable', 'the connection is lost')) {
      lost(error);
      await turnsUntil(() => replica.freshness.stale);
    },
    async recover() {
      await turnsUntil(() => {
        clock.advance(100);
        return !replica.freshness.stale;
      });
    },
    compact: () => {
      compacted = true;
    },
    close: () => replica.close(),
  };
  await replica.start();
  return node;
}

/** Lets the event loop turn until it is so. */
export async function turnsUntil(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (holds()) return;
    await new Promise((next) => setImmediate(next));
  }
  throw new Error('not reached in 2,000 turns of the event loop');
}
