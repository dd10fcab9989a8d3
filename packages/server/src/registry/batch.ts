/**
 * A batch: commands decided in order, each on top of the ones before, that become one transaction.
 * This is the whole pure path from commands to the log; the replica adds the commit.
 */

import { toRegistryError, type RegistryError } from '@rollcall/protocol';
import { encodeWith } from './codec.ts';
import type { AnyCommand, AnyTxnResult } from './command.ts';
import { answerAt, datedAnswer } from './decide-txn.ts';
import { decide, decisionOn } from './decide.ts';
import { Draft, type DraftOptions } from './draft.ts';
import { transactionBound, type Bound } from './fill.ts';
import { fits, halved, sizeOf, tooLarge, unlimited, within, type Limits } from './limits.ts';
import type { AnyRow } from './row.ts';
import type { State } from './state.ts';
import { goingOn, type Decided } from './steps.ts';
import { touchHeads } from './touch-heads.ts';
import { touchViews } from './touch-views.ts';

/** @typeParam A what the commands may answer */
export type Outcome<C extends AnyCommand = AnyCommand, A = unknown> =
  | { readonly result: A }
  | { readonly error: RegistryError }
  /** The command that does the rest of the work, if there is some. */
  | { readonly next: C };

export interface Writes<R extends AnyRow = AnyRow> {
  /** Rows read by key, with the revision seen; 0 means absent. Empty without other writers. */
  readonly expect: readonly { readonly key: string; readonly revision: number }[];
  /** No record whose key begins with `under` may have been put after `notAfter`. Without other writers: no record at all after the state. */
  readonly guards: readonly { readonly under: string; readonly notAfter: number }[];
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  /** The rows that the values of `put` encode, in the same order; engines carry the bytes alone. */
  readonly rows: readonly R[];
  readonly delete: readonly string[];
}

export interface Batch<R extends AnyRow = AnyRow, C extends AnyCommand = AnyCommand> {
  /** How many of the commands were decided: the transaction has no room for those after them. */
  readonly decided: number;
  /**
   * One per decided command, in order; only the last may have to go on. The answers are valid only if the writes are committed.
   * @param revision of the commit; the state's own when there is nothing to commit
   */
  readonly outcomesAt: (revision: number) => readonly Outcome<C>[];
  /** Undefined when nothing changes. */
  readonly writes: Writes<R> | undefined;
}

export interface BatchOptions {
  /** Estimated size of the transaction. */
  readonly bound?: Bound;
  /** The bound of that size. */
  readonly limits?: Limits;
  /** Whether other writers may change the store before it is committed. */
  readonly guarded?: boolean;
  /** Id of the node that decides, if it is one of several. */
  readonly nodeId?: string | undefined;
  /** Whether keys show configurations, and those can only be read. */
  readonly configurationsInKv?: boolean;
}

/**
 * @param now wall clock in milliseconds, for lock delays only
 */
export function decideBatch<R extends AnyRow, C extends AnyCommand>(
  state: State<R>,
  commands: readonly C[],
  now: number,
  options: BatchOptions = {},
): Batch<R, C> {
  const { bound = transactionBound, limits = unlimited, guarded = false, nodeId, configurationsInKv = false } = options;
  for (let tight = within(bound, limits); ; tight = halved(tight)) {
    const batch = decideWithin(state, commands, now, { bound: tight, guarded, nodeId, configurationsInKv });
    const size = batch.writes === undefined ? undefined : sizeOf(batch.writes, limits);
    if (size === undefined || fits(size, limits)) return batch;
    if (tight.rows > 1) continue;
    const error = tooLarge(size, limits);
    return { decided: 1, outcomesAt: () => [{ error }], writes: undefined };
  }
}

function decideWithin<R extends AnyRow, C extends AnyCommand>(
  state: State<R>,
  commands: readonly C[],
  now: number,
  options: Required<DraftOptions>,
): Batch<R, C> {
  const draft = new Draft(state, options);
  const decided: (Decided | { readonly error: RegistryError })[] = [];
  for (const command of commands) {
    if (draft.fill.full) break;
    try {
      decided.push(decide(draft, command, now));
    } catch (error) {
      decided.push({ error: toRegistryError(error) });
    }
  }
  draft.dropNoOps();
  // Rows that a transaction has read are as they were before the commit.
  const answered = decided.map((each, index) =>
    'answer' in each && (commands[index] as C).kind === 'txn' ? { answer: answerAt(each.answer as AnyTxnResult, state, draft, state.revision) } : each,
  );
  const outcomesAt = (revision: number) =>
    answered.map((each, index): Outcome<C> => {
      if ('error' in each) return each;
      if ('answer' in each) return { result: datedAnswer(each.answer, revision) };
      const command = commands[index] as C;
      return { next: goingOn(command, decisionOn(state.kinds, command), each.rest, revision) };
    });
  if (draft.empty) return { decided: decided.length, outcomesAt, writes: undefined };
  touchViews(state, draft);
  if (options.guarded) touchHeads(state, draft);
  draft.expectHeads();
  const put: { readonly key: string; readonly value: Uint8Array }[] = [];
  const rows: R[] = [];
  for (const [key, row] of draft.puts()) {
    put.push({ key, value: encodeWith(state.kinds, row) });
    rows.push(row as R);
  }
  return {
    decided: decided.length,
    outcomesAt,
    writes: {
      expect: Array.from(draft.reads(), ([key, revision]) => ({ key, revision })),
      guards: options.guarded ? Array.from(draft.ranges(), (under) => ({ under, notAfter: state.revision })) : [{ under: '', notAfter: state.revision }],
      put,
      rows,
      delete: [...draft.deletes()],
    },
  };
}
