/**
 * An engine in memory: for tests, `--dev` and in-process use. Nothing survives the process.
 */

import { RegistryError } from '@rollcall/protocol';
import { ChangesFeed } from '../changes-feed.ts';
import { checkTransaction } from '../check-transaction.ts';
import type { CommitResult, Engine, EngineEvent, EngineRecord, Transaction } from '../engine.ts';

/** Records in one event of the initial state. */
const chunkMax = 1_000;

export function memory(): Engine {
  const records = new Map<string, EngineRecord>();
  const feed = new ChangesFeed(0);
  let revision = 0;
  let closed = false;

  async function* changes(options: { after?: number; signal: AbortSignal }): AsyncGenerator<EngineEvent> {
    if (closed) return;
    const { after, signal } = options;
    const resumes = after !== undefined && feed.keeps(after);
    const from = resumes ? after : revision;
    const subscription = feed.subscribe(from);
    try {
      if (!resumes) {
        const all = [...records.values()];
        let at = 0;
        do {
          if (signal.aborted) return;
          yield { kind: 'records', reset: at === 0, records: all.slice(at, at + chunkMax) };
          at += chunkMax;
        } while (at < all.length);
        yield { kind: 'caught-up', revision: from };
      }
      yield* subscription.events(signal);
    } finally {
      subscription.end();
    }
  }

  return {
    name: 'memory',
    changes,
    async commit(transaction: Transaction): Promise<CommitResult> {
      if (closed) throw new RegistryError('unavailable', 'the memory engine is closed');
      checkTransaction(transaction);
      for (const { key, revision: expected } of transaction.expect) {
        const found = records.get(key)?.revision ?? 0;
        if (found !== expected) return { ok: false, key, revision: found };
      }
      revision = Math.max(revision + 1, transaction.revisionAtLeast ?? 0);
      for (const key of transaction.delete) records.delete(key);
      for (const { key, value } of transaction.put) records.set(key, { key, value, revision });
      feed.push({ kind: 'transaction', revision, put: transaction.put, delete: transaction.delete });
      return { ok: true, revision };
    },
    async barrier() {
      if (closed) throw new RegistryError('unavailable', 'the memory engine is closed');
      return revision;
    },
    close() {
      closed = true;
      feed.close();
      return Promise.resolve();
    },
  };
}
