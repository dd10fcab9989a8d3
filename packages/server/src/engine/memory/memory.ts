/**
 * An engine in memory: for tests, `--dev` and in-process use. Nothing survives the process.
 */

import { RegistryError } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import { ChangesFeed } from '../changes-feed.ts';
import { checking, isLarge } from '../check-transaction.ts';
import type { CommitResult, Engine, EngineEvent, EngineRecord, Transaction } from '../engine.ts';
import { localPresence, type LocalPresence } from '../local-presence.ts';

/** Records in one event of the initial state. */
const chunkMax = 1_000;

/** Records of a large transaction that are taken in between two turns of the event loop: some 5 ms. */
const recordsPerTurn = 4_096;

export interface MemoryEngine extends Engine {
  readonly presence: LocalPresence;
}

export function memory(): MemoryEngine {
  const records = new Map<string, EngineRecord>();
  const feed = new ChangesFeed(0);
  const presence = localPresence();
  let revision = 0;
  let closed = false;
  /** The large transaction that is being taken in; everything else waits for it. */
  let busy: Promise<unknown> | undefined;

  async function* changes(options: { after?: number; signal: AbortSignal }): AsyncGenerator<EngineEvent> {
    let { after } = options;
    while (yield* following(after, options.signal)) after = undefined;
  }

  /** @returns whether the reader has fallen behind and has to start again */
  async function* following(after: number | undefined, signal: AbortSignal): AsyncGenerator<EngineEvent, boolean> {
    for (let last = busy; last !== undefined; last = busy) await last;
    if (closed) return false;
    const resumes = after !== undefined && feed.keeps(after);
    const from = resumes ? after : revision;
    const subscription = feed.subscribe(from);
    try {
      if (!resumes) {
        const all = [...records.values()];
        let at = 0;
        do {
          if (signal.aborted) return false;
          yield { kind: 'records', reset: at === 0, records: all.slice(at, at + chunkMax) };
          at += chunkMax;
        } while (at < all.length);
        yield { kind: 'caught-up', revision: from };
      }
      return yield* subscription.events(signal);
    } finally {
      subscription.end();
    }
  }

  /** A step is one record. */
  function* committing(transaction: Transaction): Generator<void, CommitResult, undefined> {
    if (closed) throw new RegistryError('unavailable', 'the memory engine is closed');
    yield* checking(transaction);
    for (const { key, revision: expected } of transaction.expect) {
      const found = records.get(key)?.revision ?? 0;
      if (found !== expected) return { ok: false, key, revision: found };
    }
    const failed = transaction.guards?.find((guard) => !feed.holds(guard));
    if (failed !== undefined) return { ok: false, key: failed.under, revision: 0 };
    const next = Math.max(revision + 1, transaction.revisionAtLeast ?? 0);
    for (const key of transaction.delete) {
      records.delete(key);
      yield;
    }
    for (const { key, value } of transaction.put) {
      records.set(key, { key, value, revision: next });
      yield;
    }
    revision = next;
    feed.push({ kind: 'transaction', revision, put: transaction.put, delete: transaction.delete });
    return { ok: true, revision };
  }

  return {
    name: 'memory',
    limits: { operations: Infinity, bytes: Infinity },
    exclusive: true,
    presence,
    changes,
    async commit(transaction: Transaction): Promise<CommitResult> {
      if (!isLarge(transaction) && busy === undefined) return drained(committing(transaction));
      const before = busy;
      const own = (async () => {
        await before;
        return inTurns(committing(transaction), recordsPerTurn);
      })();
      const settled = own.then(
        () => {},
        () => {},
      );
      busy = settled;
      void settled.then(() => {
        if (busy === settled) busy = undefined;
      });
      return own;
    },
    async barrier() {
      if (closed) throw new RegistryError('unavailable', 'the memory engine is closed');
      return revision;
    },
    async close() {
      closed = true;
      if (busy !== undefined) await busy;
      presence.close();
      feed.close();
    },
  };
}

function drained<T>(steps: Generator<void, T, undefined>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
