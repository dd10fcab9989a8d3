/**
 * A batch: commands decided in order, each on top of the ones before, that become one transaction.
 * This is the whole pure path from commands to the log; the replica adds the commit.
 */

import { toRegistryError, type RegistryError } from '@rollcall/protocol';
import { encodeWith } from './codec.ts';
import type { AnyResult, Command } from './command.ts';
import { answerAt } from './decide-txn.ts';
import { decide } from './decide.ts';
import { Draft, type DraftOptions } from './draft.ts';
import { transactionBound, type Bound } from './fill.ts';
import { fits, halved, sizeOf, tooLarge, unlimited, within, type Limits } from './limits.ts';
import type { Row } from './rows.ts';
import type { State } from './state.ts';
import { goingOn, type Decided } from './steps.ts';
import { touchHeads } from './touch-heads.ts';
import { touchViews } from './touch-views.ts';

export type Outcome =
  | { readonly result: AnyResult }
  | { readonly error: RegistryError }
  /** Not all of it is done; this command does the rest. */
  | { readonly next: Command };

export interface Writes {
  /** Rows read by key, with the revision seen; 0 means absent. */
  readonly expect: readonly { readonly key: string; readonly revision: number }[];
  /** No record whose key begins with `under` may have been put after `notAfter`. */
  readonly guards: readonly { readonly under: string; readonly notAfter: number }[];
  /** `row` is what `value` encodes; engines carry the bytes alone. */
  readonly put: readonly { readonly key: string; readonly value: Uint8Array; readonly row: Row }[];
  readonly delete: readonly string[];
}

export interface Batch {
  /** How many of the commands were decided: the transaction has no room for those after them. */
  readonly decided: number;
  /**
   * One per decided command, in order; only the last may have to go on. They hold only if the writes are committed.
   * @param revision of the commit; the state's own when there is nothing to commit
   */
  readonly outcomesAt: (revision: number) => readonly Outcome[];
  /** Undefined when nothing changes. */
  readonly writes: Writes | undefined;
}

export interface BatchOptions {
  /** About how large the transaction becomes. */
  readonly bound?: Bound;
  /** What it must not exceed. */
  readonly limits?: Limits;
  /** Whether other writers may change the store before it is committed. */
  readonly guarded?: boolean;
  /** Id of the node that decides, if it is one of several. */
  readonly nodeId?: string | undefined;
}

/**
 * @param now wall clock in milliseconds, for lock delays only
 */
export function decideBatch(state: State, commands: readonly Command[], now: number, options: BatchOptions = {}): Batch {
  const { bound = transactionBound, limits = unlimited, guarded = false, nodeId } = options;
  for (let tight = within(bound, limits); ; tight = halved(tight)) {
    const batch = decideWithin(state, commands, now, { bound: tight, guarded, nodeId });
    const size = batch.writes === undefined ? undefined : sizeOf(batch.writes, limits);
    if (size === undefined || fits(size, limits)) return batch;
    if (tight.rows > 1) continue;
    const error = tooLarge(size, limits);
    return { decided: 1, outcomesAt: () => [{ error }], writes: undefined };
  }
}

function decideWithin(state: State, commands: readonly Command[], now: number, options: Required<DraftOptions>): Batch {
  const draft = new Draft(state, options);
  const decided: (Decided<AnyResult> | { readonly error: RegistryError })[] = [];
  for (const command of commands) {
    if (draft.fill.full) break;
    try {
      decided.push(decide(draft, command, now));
    } catch (error) {
      decided.push({ error: toRegistryError(error) });
    }
  }
  draft.dropNoOps();
  const answers = decided.map((each, index): ((revision: number) => Outcome) => {
    if ('error' in each) return () => each;
    if ('rest' in each) return (revision) => ({ next: goingOn(commands[index] as Command, each.rest, revision) });
    const result = each.answer;
    if (typeof result !== 'object') return () => ({ result });
    const at = answerAt(result, state, draft, state.revision);
    return (revision) => ({ result: at(revision) });
  });
  const outcomesAt = (revision: number) => answers.map((answer) => answer(revision));
  if (draft.empty) return { decided: decided.length, outcomesAt, writes: undefined };
  touchViews(state, draft);
  if (options.guarded) touchHeads(state, draft);
  draft.expectHeads();
  return {
    decided: decided.length,
    outcomesAt,
    writes: {
      expect: Array.from(draft.reads(), ([key, revision]) => ({ key, revision })),
      guards: Array.from(draft.ranges(), (under) => ({ under, notAfter: state.revision })),
      put: Array.from(draft.puts(), ([key, row]) => ({ key, value: encodeWith(state.kinds, row), row })),
      delete: [...draft.deletes()],
    },
  };
}
