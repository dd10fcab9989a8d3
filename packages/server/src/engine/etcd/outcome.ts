/**
 * Finds out whether a transaction took effect whose answer was lost. `seq` tells: each transaction puts its name there, and etcd keeps
 * former values until it is compacted.
 *
 * A transaction whose name is missing may still be on its way. Each one expects the eras as they were written; so they are written once more,
 * unchanged, and from then on it cannot take effect any more. Transactions of others that are under way then are refused, too; their nodes
 * send them again with what they find.
 */

import type { Clock } from '../../clock.ts';
import type { Connection } from './connection.ts';
import { callError, isCompacted } from './errors.ts';
import type { Keys } from './keys.ts';
import { modIs, put, read, type Known } from './transaction.ts';
import { methods, type KeyValue, type RangeResponse } from './wire.ts';

const callMs = 1_000;
const againMs = 100;

/** Transactions that others may have committed since: the names of all of them are read, one by one. */
const othersMax = 256;

/** etcd's revision of the transaction; 0 when it did not take effect and never will; undefined when that cannot be told. */
export type Outcome = number | undefined;

interface Parts {
  readonly connection: Connection;
  readonly keys: Keys;
}

export interface Sent {
  /** What it puts into `seq`. */
  readonly name: string;
  /** etcd's revision of the newest transaction that was known when it was sent. */
  readonly after: number;
}

interface Settling extends Parts {
  readonly clock: Clock;
  readonly sent: Sent;
  /** What it was made with. */
  readonly known: Known;
  /** On the monotonic clock, in milliseconds: after it the outcome is taken for unknown. */
  readonly until: number;
}

/** The outcome of a transaction that may be under way. Waits until etcd answers. Never rejects. */
export async function settledOutcome(settling: Settling): Promise<Outcome> {
  const { clock, until } = settling;
  let cancel = () => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.timer(until - clock.monotonic(), () => resolve(undefined));
  });
  try {
    return await Promise.race([tried(settling), late]);
  } finally {
    cancel();
  }
}

async function tried({ connection, keys, clock, sent, known, until }: Settling): Promise<Outcome> {
  const request = { compare: [modIs(keys.era, known.written)], success: [put(keys.era, known.eras.encode()), read(keys.seq)], failure: [read(keys.seq)] };
  while (clock.monotonic() < until) {
    try {
      const { responses } = await connection.call(methods.txn, request, callMs);
      const { response_range: range } = responses.at(-1) as { readonly response_range: RangeResponse };
      return await outcomeSince({ connection, keys }, sent, range.kvs[0]);
    } catch (error) {
      if (isCompacted(callError(error))) return undefined;
      await new Promise<void>((again) => clock.timer(againMs, again));
    }
  }
  return undefined;
}

/**
 * The outcome of a transaction that is not under way any more.
 * @param newest the present value of `seq`
 * @throws CallError also when the history is compacted
 */
export async function outcomeSince({ connection, keys }: Parts, { name, after }: Sent, newest: KeyValue | undefined): Promise<Outcome> {
  let seq = newest;
  for (let others = 0; others <= othersMax; others++) {
    const at = seq?.mod_revision.toNumber() ?? 0;
    if (seq?.value.toString() === name) return at;
    // Older than what was known: the store has gone back to a backup.
    if (at <= after) return at === after ? 0 : undefined;
    const { kvs } = await connection.read(methods.range, { key: keys.seq, revision: at - 1 }, callMs);
    seq = kvs[0];
  }
  return undefined;
}
