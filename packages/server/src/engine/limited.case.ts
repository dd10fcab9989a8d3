/** An engine with the limits of etcd, over one that has none: it refuses what exceeds them, as etcd does. */

import { RegistryError } from '@rollcall/protocol';
import type { Engine, EngineLimits } from './engine.ts';

/** The defaults of etcd: `--max-txn-ops` and `--max-request-bytes`. */
export const etcdLimits: EngineLimits = { operations: 128, bytes: 1_572_864 };

export interface Limited extends Engine {
  /** The most that one transaction had so far. */
  readonly most: { operations: number; bytes: number };
  /** Transactions committed so far. */
  readonly commits: number;
}

export function limited(engine: Engine, limits: EngineLimits = etcdLimits): Limited {
  const most = { operations: 0, bytes: 0 };
  let commits = 0;
  return {
    ...engine,
    name: `${engine.name}, limited`,
    limits,
    exclusive: false,
    most,
    get commits() {
      return commits;
    },
    async commit(transaction) {
      const { expect, guards = [], put, delete: gone } = transaction;
      const operations = Math.max(expect.length + guards.length, put.length + gone.length);
      let bytes = 0;
      for (const { key } of expect) bytes += Buffer.byteLength(key);
      for (const { key, value } of put) bytes += Buffer.byteLength(key) + value.length;
      for (const key of gone) bytes += Buffer.byteLength(key);
      if (operations > limits.operations) throw new RegistryError('internal', `too many operations in a transaction: ${operations}`);
      if (bytes > limits.bytes) throw new RegistryError('internal', `a transaction is too large: ${bytes} bytes`);
      most.operations = Math.max(most.operations, operations);
      most.bytes = Math.max(most.bytes, bytes);
      commits++;
      return engine.commit(transaction);
    },
  };
}
