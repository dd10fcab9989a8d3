/**
 * Decisions about transactions: operations decided in order, each on top of the ones before, of which
 * either all take effect or none. Every operation that fails is reported, not only the first.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Command, Requirement, Result, Txn, TxnFailure, TxnOperation, TxnResult } from './command.ts';
import { Draft } from './draft.ts';
import { weigh, type Bound } from './fill.ts';
import { find, type Reader } from './reader.ts';
import { keys, type Row, type RowOf } from './rows.ts';
import { sameContent } from './same-content.ts';
import type { Decided } from './steps.ts';

/** `decide`, which hands itself in since it calls this. */
type Decide = <C extends Command>(below: Draft, command: C, now: number) => Decided<Result<C>>;

/**
 * What one transaction may read, over all its operations: 128 copies of a whole store would be no answer. A
 * transaction is decided in one go, and with this many rows that takes some 10 ms. Consul has no such limit;
 * the trees that its clients read in transactions (locks, leader keys, small configurations) have tens of keys.
 */
const readRowsMax = 16_384;
/** Bytes of keys and values, the values as base64 writes them. */
const readBytesMax = 32 * 1024 * 1024;
/** Rows or bytes that are read in the time that one takes to be written. */
const readsPerWrite = 16;

/**
 * @throws RegistryError `invalid_argument` when it reads more rows or bytes than one transaction may; it stops
 *   reading there, and nothing is written
 */
export function transact(
  draft: Draft,
  { operations }: Txn,
  now: number,
  decideOne: Decide,
): TxnResult {
  const inner = new Draft(draft);
  const reads: (readonly Row[])[] = [];
  const failures: TxnFailure[] = [];
  const budget: ReadBudget = { rows: 0, bytes: 0 };
  operations.forEach((operation, at) => {
    const failure = attempt(inner, operation, now, decideOne);
    if (failure !== undefined) failures.push({ at, ...failure });
    reads.push(failures.length > 0 ? [] : readAfter(inner, operation, at, budget));
  });
  draft.fill.addAll(inner.fill);
  draft.fill.add(budget.rows / readsPerWrite, budget.bytes / readsPerWrite);
  if (failures.length > 0) return { failures };
  const written = new Map(inner.puts());
  if (!inner.empty) inner.mergeInto(draft);
  return { reads, written };
}

function attempt(
  draft: Draft,
  { require, change }: TxnOperation,
  now: number,
  decideOne: Decide,
): Omit<TxnFailure, 'at'> | undefined {
  if (require !== undefined) {
    const found = draft.get(require.key);
    if (!holds(require, found)) return { reason: 'requirement', ...(found === undefined ? {} : { found }) };
  }
  if (change === undefined) return undefined;
  try {
    const decided = decideOne(draft, change, now);
    if ('rest' in decided) throw tooLarge(draft.fill.bound);
    const done = decided.answer;
    const key = keyOfCondition(change);
    // To the others, false says that there was nothing to remove.
    if (done || key === undefined) return undefined;
    const found = draft.get(key);
    return { reason: 'condition', ...(found === undefined ? {} : { found }) };
  } catch (error) {
    return { reason: 'refused', error: toRegistryError(error) };
  }
}

/** Record key of the row that a change has a condition on; undefined when it can have none. */
function keyOfCondition(change: NonNullable<TxnOperation['change']>): string | undefined {
  switch (change.kind) {
    case 'kv-put':
    case 'kv-delete':
      return keys.kv(change.namespace, change.key);
    case 'record-put':
      return keys.record(change.namespace, change.type, change.id);
    default:
      return undefined;
  }
}

/** A transaction is one step, or none. */
function tooLarge({ rows, bytes }: Bound): RegistryError {
  const message =
    `the operation changes more than one transaction may hold, which is about ${rows} records or ${bytes} bytes; ` +
    `do it in a request of its own`;
  return new RegistryError('invalid_argument', message);
}

function holds(require: Requirement, found: Row | undefined): boolean {
  if ('session' in require) return found?.kind === 'kv' && found.session === require.session;
  if ('present' in require) return (found !== undefined) === require.present;
  if (require.revision === 0) return found === undefined;
  // A row that is not committed yet has no revision that a caller could know.
  return found !== undefined && found.modified === require.revision;
}

/** What the operations before have read. */
interface ReadBudget {
  rows: number;
  bytes: number;
}

/** @throws RegistryError `invalid_argument` at the first row beyond what a transaction may read */
function readAfter(reader: Reader, { read }: TxnOperation, at: number, budget: ReadBudget): readonly Row[] {
  if (read === undefined) return [];
  if ('key' in read) {
    const row = reader.get(read.key);
    if (row === undefined) return [];
    spend(budget, row, at);
    return [row];
  }
  const rows: RowOf<'kv'>[] = [];
  for (const key of reader.ordered('kv', read.namespace, read.prefix)) {
    const row = find.kv(reader, read.namespace, key);
    if (row === undefined) continue;
    spend(budget, row, at);
    rows.push(row);
  }
  return rows.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function spend(budget: ReadBudget, row: Row, at: number): void {
  budget.rows++;
  if (row.kind === 'record') budget.bytes += weigh(row.value);
  if (row.kind === 'kv') budget.bytes += row.key.length + Math.ceil(row.value.length / 3) * 4;
  const [what, count, limit] =
    budget.rows > readRowsMax ? ['rows', budget.rows, readRowsMax] : ['bytes', budget.bytes, readBytesMax];
  if (count <= limit) return;
  const message = `the transaction reads too much: ${count} ${what} with operation ${at}, the limit is ${limit}; read less in one transaction`;
  throw new RegistryError('invalid_argument', message);
}

/**
 * What a transaction answers once its batch has a revision: the rows that it wrote get the commit's.
 *
 * Clients take a row's revision for their next condition. So a row that a later command of the batch
 * wrote again or put back gets a revision that the row there now does not have and never will: with
 * another they could overwrite what they have not seen.
 *
 * @param base what the batch was decided on, at `baseRevision`
 * @param batch the whole batch, as it will be committed
 * @returns a function of the revision of the commit; of `baseRevision` when there is nothing to commit
 */
export function answerAt(
  result: TxnResult,
  base: Reader,
  batch: Draft,
  baseRevision: number,
): (revision: number) => TxnResult {
  if ('failures' in result) return () => result;
  const { written } = result;
  const answers = result.reads.map((rows) =>
    rows.map((row) => rowAt(row, base, batch, baseRevision, written.get(batch.kinds.keyOf(row)))),
  );
  return (revision) => ({ reads: answers.map((rows) => rows.map((at) => at(revision))), written });
}

function rowAt(
  row: Row,
  base: Reader,
  batch: Draft,
  baseRevision: number,
  written: Row | undefined,
): (revision: number) => Row {
  if (row.modified !== 0) return () => row;
  const key = batch.kinds.keyOf(row);
  const before = base.get(key);
  const after = batch.puts().get(key);
  if (after !== undefined) {
    return after === written ? (revision) => stamp(row, revision) : () => stamp(row, baseRevision);
  }
  // Removed again, or put back and so never written.
  if (before === undefined) return (revision) => stamp(row, revision);
  if (sameContent(before, row)) return () => before;
  return (revision) => stamp(row, revision > before.modified ? revision : before.modified - 1);
}

function stamp(row: Row, revision: number): Row {
  return { ...row, created: row.created === 0 ? revision : row.created, modified: revision };
}
