/**
 * An engine in memory: for tests, `--dev` and in-process use. Nothing survives the process.
 */

import { RegistryError } from '@rollcall/protocol';
import { ChangesFeed } from '../changes-feed.ts';
import {
  recordKeyBytesMax,
  recordValueBytesMax,
  type CommitResult,
  type Engine,
  type EngineEvent,
  type EngineRecord,
  type Transaction,
} from '../engine.ts';

export function memory(): Engine {
  const records = new Map<string, EngineRecord>();
  const feed = new ChangesFeed();
  let revision = 0;
  let closed = false;

  async function* changes(options: { after?: number; signal: AbortSignal }): AsyncGenerator<EngineEvent> {
    let from = options.after ?? -1;
    if (options.after === undefined || !feed.keeps(options.after, revision)) {
      from = revision;
      yield { kind: 'records', reset: true, records: [...records.values()] };
      yield { kind: 'caught-up', revision: from };
    }
    yield* feed.after(from, options.signal);
  }

  return {
    name: 'memory',
    changes,
    async commit(transaction: Transaction): Promise<CommitResult> {
      if (closed) throw new RegistryError('unavailable', 'the memory engine is closed');
      checkSizes(transaction);
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
    barrier: () => Promise.resolve(revision),
    close() {
      closed = true;
      feed.close();
      return Promise.resolve();
    },
  };
}

/** @throws RegistryError `invalid_argument` for a key or value over the port's limits */
export function checkSizes(transaction: Transaction): void {
  for (const { key, value } of transaction.put) {
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > recordKeyBytesMax) {
      throw new RegistryError('invalid_argument', `record key has ${keyBytes} bytes, the limit is ${recordKeyBytesMax}`);
    }
    if (value.length > recordValueBytesMax) {
      throw new RegistryError(
        'invalid_argument',
        `record value has ${value.length} bytes, the limit is ${recordValueBytesMax}`,
      );
    }
  }
}
