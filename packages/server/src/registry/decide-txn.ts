/**
 * Decisions about transactions: operations decided in order, each on top of the ones before, of which
 * either all take effect or none. Every operation that fails is reported, not only the first.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { AnyCommand, AnyTxn, AnyTxnFailure, AnyTxnOperation, AnyTxnResult, Requirement } from './command.ts';
import { Draft } from './draft.ts';
import { weigh, type Bound } from './fill.ts';
import type { Reader } from './reader.ts';
import type { Dated, Decision } from './room.ts';
import { orderedKey, type AnyRow } from './row.ts';
import { sameContent } from './same-content.ts';
import type { Decided } from './steps.ts';

/** `decide`, which hands itself in since it calls this. */
type Decide = (below: Draft, command: AnyCommand, now: number) => Decided;

/**
 * What one transaction may read, over all its operations: 128 copies of a whole store would be no answer. A
 * transaction is decided in one go, and with this many rows that takes some 10 ms. Consul has no such limit;
 * the trees that its clients read in transactions (locks, leader keys, small configurations) have tens of keys.
 */
const readRowsMax = 16_384;
/** Bytes of the rows as an answer shows them (`Kind.shownBytes`). */
const readBytesMax = 32 * 1024 * 1024;
/** Rows or bytes that are read in the time that one takes to be written. */
const readsPerWrite = 16;

/**
 * @throws RegistryError `invalid_argument` when it reads more rows or bytes than one transaction may; it stops
 *   reading there, and nothing is written
 */
export function transact(
  draft: Draft,
  { operations }: AnyTxn,
  now: number,
  decideOne: Decide,
): AnyTxnResult {
  const inner = new Draft(draft);
  const reads: (readonly AnyRow[])[] = [];
  const failures: AnyTxnFailure[] = [];
  const answers: unknown[] = [];
  const budget: ReadBudget = { rows: 0, bytes: 0 };
  operations.forEach((operation, at) => {
    const outcome = attempt(inner, operation, now, decideOne);
    if ('reason' in outcome) failures.push({ at, ...outcome });
    else answers.push(outcome.answer);
    reads.push(failures.length > 0 ? [] : readAfter(inner, operation, at, budget));
  });
  draft.fill.addAll(inner.fill);
  draft.fill.add(budget.rows / readsPerWrite, budget.bytes / readsPerWrite);
  if (failures.length > 0) return { failures };
  if (!inner.empty) inner.mergeInto(draft);
  return { reads, written: inner.puts(), answers };
}

function attempt(
  draft: Draft,
  { require, change }: AnyTxnOperation,
  now: number,
  decideOne: Decide,
): Omit<AnyTxnFailure, 'at'> | { readonly answer: unknown } {
  if (require !== undefined) {
    const found = draft.get(require.key);
    if (!holds(require, found)) return { reason: 'requirement', ...(found === undefined ? {} : { found }) };
  }
  if (change === undefined) return { answer: undefined };
  try {
    const decided = decideOne(draft, change, now);
    if ('rest' in decided) throw tooLarge(draft.fill.bound);
    if (decided.answer !== false) return decided;
    const key = (draft.kinds.decision(change.kind) as Conditional).conditionOn?.(change);
    // To commands without a condition, false says that there was nothing to remove.
    if (key === undefined) return decided;
    const found = draft.get(key);
    return { reason: 'condition', ...(found === undefined ? {} : { found }) };
  } catch (error) {
    return { reason: 'refused', error: toRegistryError(error) };
  }
}

/** The decision on a command that may have a condition. */
interface Conditional extends Decision {
  conditionOn?(command: AnyCommand): string;
}

/** A transaction is one step, or none. */
function tooLarge({ rows, bytes }: Bound): RegistryError {
  const message =
    `the operation changes more than one transaction may hold, which is about ${rows} records or ${bytes} bytes; ` +
    `do it in a request of its own`;
  return new RegistryError('invalid_argument', message);
}

function holds(require: Requirement, found: AnyRow | undefined): boolean {
  if ('session' in require) return found !== undefined && (found as Holdable).session === require.session;
  if ('present' in require) return (found !== undefined) === require.present;
  if (require.revision === 0) return found === undefined;
  // A row that is not committed yet has no revision that a caller could know.
  return found !== undefined && found.modified === require.revision;
}

/** A row of a kind that sessions hold. */
interface Holdable extends AnyRow {
  readonly session?: string;
}

/** What the operations before have read. */
interface ReadBudget {
  rows: number;
  bytes: number;
}

/** @throws RegistryError `invalid_argument` at the first row beyond what a transaction may read */
function readAfter(reader: Reader, { read }: AnyTxnOperation, at: number, budget: ReadBudget): readonly AnyRow[] {
  if (read === undefined) return [];
  if ('key' in read) {
    const row = reader.get(read.key);
    if (row === undefined) return [];
    spend(reader, row, at, budget);
    return [row];
  }
  const rows: [key: string, row: AnyRow][] = [];
  for (const key of reader.ordered(read.kind, read.namespace, read.prefix)) {
    const row = reader.get(orderedKey(read.kind, read.namespace, key));
    if (row === undefined) continue;
    spend(reader, row, at, budget);
    rows.push([key, row]);
  }
  return rows.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function spend({ kinds }: Reader, row: AnyRow, at: number, budget: ReadBudget): void {
  budget.rows++;
  budget.bytes += kinds.of(row).shownBytes?.(row) ?? weigh(row);
  const [what, count, limit] =
    budget.rows > readRowsMax ? ['rows', budget.rows, readRowsMax] : ['bytes', budget.bytes, readBytesMax];
  if (count <= limit) return;
  const message = `the transaction reads too much: ${count} ${what} with operation ${at}, the limit is ${limit}; read less in one transaction`;
  throw new RegistryError('invalid_argument', message);
}

/**
 * What a transaction answers once its batch has a revision: the rows that it wrote get the commit's.
 *
 * Clients take a row's revision for their next condition. So a row that a later command of the batch wrote again or put back
 * gets a revision that the present row does not have and never will. With the present revision, clients could overwrite content
 * that they have not seen.
 *
 * @param base the state on which the batch was decided, at `baseRevision`
 * @param batch the whole batch, as it will be committed
 * @returns a function of the revision of the commit; of `baseRevision` when there is nothing to commit
 */
export function answerAt(
  result: AnyTxnResult,
  base: Reader,
  batch: Draft,
  baseRevision: number,
): (revision: number) => AnyTxnResult {
  if ('failures' in result) return () => result;
  const { written } = result;
  const reads = result.reads.map((rows) =>
    rows.map((row) => rowAt(row, base, batch, baseRevision, written.get(batch.kinds.keyOf(row)))),
  );
  const { answers } = result;
  return (revision) => ({ reads: reads.map((rows) => rows.map((at) => at(revision))), written, answers: answers.map((answer) => datedAnswer(answer, revision)) });
}

/** The answer of a decision at the revision of its commit. */
export function datedAnswer(answer: unknown, revision: number): unknown {
  return typeof answer === 'function' ? (answer as Dated<unknown>)(revision) : answer;
}

function rowAt(
  row: AnyRow,
  base: Reader,
  batch: Draft,
  baseRevision: number,
  written: AnyRow | undefined,
): (revision: number) => AnyRow {
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

function stamp(row: AnyRow, revision: number): AnyRow {
  return { ...row, created: row.created === 0 ? revision : row.created, modified: revision };
}
