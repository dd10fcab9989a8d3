/** Opens the engine: puts its parts together, which are the connection, the log of transactions, the feed and presence. */

import { RegistryError } from '@rollcall/protocol';
import { systemClock } from '../../clock.ts';
import type { Engine, EngineLimits } from '../engine.ts';
import { Changes } from './changes.ts';
import { Connection } from './connection.ts';
import { Keys } from './keys.ts';
import { callError, isTooManyOperations, readError } from './errors.ts';
import { closedError, Log } from './log.ts';
import { checkOptions, type EtcdOptions } from './options.ts';
import { EtcdPresence } from './presence.ts';
import { modIs, operationsMax } from './transaction.ts';
import { methods } from './wire.ts';

/** etcd's default `--max-request-bytes`. etcd does not report the value with which it was started. */
const etcdBytes = 1_572_864;

/**
 * Conditions and writes that the engine adds to each transaction: eras and `seq` are unchanged; it writes `seq`, and sometimes
 * an era.
 */
const ownOperations = 2;

/** How long etcd may take to refuse, or not, a transaction of the largest size. */
const limitsMs = 3_000;

/** Bytes of a message around one key or value, at most: tags and lengths. */
const framingBytes = 32;

/** The engine of `etcd.ts`. */
export async function openEtcd(options: EtcdOptions): Promise<Engine> {
  checkOptions(options);
  const clock = options.clock ?? systemClock;
  const keys = new Keys(options.prefix ?? 'rollcall');
  const connection = new Connection(options, clock);
  const log = new Log({ connection, keys, clock });
  try {
    await connection.start();
    await assertLimits(connection, keys);
    await log.start(options.restored);
  } catch (error) {
    connection.close();
    throw error;
  }
  const changes = new Changes({ connection, keys, log });
  const presence = new EtcdPresence({ connection, keys, clock });
  const closing = new AbortController();
  let closed: Promise<void> | undefined;

  return {
    name: 'etcd',
    limits: limitsBelow(keys),
    exclusive: false,
    presence,
    commit: (transaction) => log.commit(transaction),
    barrier: () => log.barrier(),
    changes({ after, signal }) {
      return changes.read(after, AbortSignal.any([signal, closing.signal]));
    },
    close() {
      const close = async () => {
        if (closing.signal.aborted) throw closedError();
        await log.close();
        await presence.close();
        closing.abort();
        connection.close();
      };
      return (closed ??= close());
    },
  };
}

/**
 * etcd does not report its limits, but refuses transactions that exceed them.
 * @throws RegistryError `failed_precondition` when they are too low; `unavailable`
 */
async function assertLimits(connection: Connection, keys: Keys): Promise<void> {
  const request = { compare: Array.from({ length: operationsMax }, () => modIs(keys.era, -1)), success: [] };
  try {
    await connection.call(methods.txn, request, limitsMs);
  } catch (error) {
    const failure = callError(error);
    if (!isTooManyOperations(failure)) throw readError(failure);
    const message = `etcd does not take ${operationsMax} operations in a transaction; start it with its default --max-txn-ops (128), or more`;
    throw new RegistryError('failed_precondition', message, { cause: failure });
  }
}

export function limitsBelow(keys: Keys): EngineLimits {
  const operations = operationsMax - ownOperations;
  const envelope = operationsMax * 2 * (keys.overhead + framingBytes);
  return { operations, bytes: etcdBytes - envelope };
}
