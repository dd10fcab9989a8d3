/**
 * Converts a transaction of the registry to one of etcd, and finds the condition that failed. Pure.
 *
 *   if      era unchanged, seq not older than what was seen, expectations, guards
 *   then    puts, deletions, [eras,] seq
 *   else    read era and seq
 *
 * The values of the caller's conditions are read by a second call, and only if the transaction was refused: every member stores and
 * decodes the `else` part of each transaction.
 */

import type { CommitResult, Transaction } from '../engine.ts';
import type { Eras } from './eras.ts';
import { endOf, type Keys } from './keys.ts';
import { compare, type Compare, type RangeResponse, type RequestOp, type TxnRequest, type TxnResponse } from './wire.ts';

/** Conditions, and writes, of one transaction: the default of etcd's `--max-txn-ops`. */
export const operationsMax = 128;

/** The knowledge of this node about the store. */
export interface Known {
  readonly eras: Eras;
  /** Revision of etcd at which they were written; 0 when there are none. */
  readonly written: number;
  /** Revision of etcd of the newest transaction that was seen. */
  readonly seq: number;
}

interface Sending {
  /** The new value of `seq`. */
  readonly name: string;
  readonly known: Known;
  /** Eras to write with it. */
  readonly leap: Eras | undefined;
}

export function requestOf(keys: Keys, { expect, guards = [], put: puts, delete: gone }: Transaction, { name, known, leap }: Sending): TxnRequest {
  const conditions: Compare[] = [modIs(keys.era, known.written)];
  // No transaction may come between the revision from which a new era was calculated and its first revision.
  conditions.push(leap === undefined ? modAbove(keys.seq, known.seq - 1) : modIs(keys.seq, known.seq));
  for (const { key, revision } of expect) {
    conditions.push(modIs(keys.record(key), revision === 0 ? 0 : (known.eras.etcds(revision) ?? Number.MAX_SAFE_INTEGER)));
  }
  for (const { under, notAfter } of guards) {
    const at = keys.record(under);
    conditions.push({ ...modBelow(at, known.eras.etcdsUpTo(notAfter) + 1), range_end: endOf(at) });
  }
  // etcd takes each key once; the last value counts, and a put more than a deletion.
  const values = new Map(puts.map(({ key, value }) => [key, value]));
  const writes: RequestOp[] = Array.from(values, ([key, value]) => put(keys.record(key), value));
  for (const key of new Set(gone)) if (!values.has(key)) writes.push({ request_delete_range: { key: keys.record(key) } });
  if (leap !== undefined) writes.push(put(keys.era, leap.encode()));
  writes.push(put(keys.seq, Buffer.from(name)));
  return { compare: conditions, success: writes, failure: [read(keys.era), read(keys.seq)] };
}

/** Reads what the conditions of a refused transaction are about: its expectations, then its guards. */
export function questionOf(keys: Keys, { expect, guards = [] }: Transaction, eras: Eras): TxnRequest {
  const expected = expect.map(({ key }): RequestOp => ({ request_range: { key: keys.record(key), keys_only: true } }));
  const guarded = guards.map(({ under, notAfter }): RequestOp => {
    const at = keys.record(under);
    return { request_range: { key: at, range_end: endOf(at), min_mod_revision: eras.etcdsUpTo(notAfter) + 1, limit: 1, keys_only: true } };
  });
  return { success: [...expected, ...guarded] };
}

/** Which condition of the caller fails by the answer to `questionOf`; undefined when none does any more. */
export function failedOf({ expect, guards = [] }: Transaction, answer: TxnResponse, eras: Eras): CommitResult | undefined {
  const found = (at: number) => rangeAt(answer, at).kvs;
  for (const [at, { key, revision }] of expect.entries()) {
    const real = eras.ours(found(at)[0]?.mod_revision.toNumber() ?? 0);
    if (real !== revision) return { ok: false, key, revision: real };
  }
  for (const [at, { under }] of guards.entries()) {
    if (found(expect.length + at).length > 0) return { ok: false, key: under, revision: 0 };
  }
  return undefined;
}

/** What one read of a transaction found. */
export function rangeAt({ responses }: TxnResponse, at: number): RangeResponse {
  return responses[at]?.response_range as RangeResponse;
}

export const read = (key: Buffer): RequestOp => ({ request_range: { key } });
export const put = (key: Buffer, value: Uint8Array): RequestOp => ({ request_put: { key, value } });
export const modIs = (key: Buffer, revision: number): Compare => ({ result: compare.equal, target: compare.mod, key, mod_revision: revision });
const modAbove = (key: Buffer, revision: number): Compare => ({ ...modIs(key, revision), result: compare.greater });
const modBelow = (key: Buffer, revision: number): Compare => ({ ...modIs(key, revision), result: compare.less });
