/**
 * A batch: commands decided in order, each on top of the ones before, that become one transaction.
 * This is the whole pure path from commands to the log; the replica adds the commit.
 */

import { toRegistryError, type RegistryError } from '@rollcall/protocol';
import { encodeRow } from './codec.ts';
import type { AnyResult, Command } from './command.ts';
import { answerAt } from './decide-txn.ts';
import { decide } from './decide.ts';
import { Draft } from './draft.ts';
import { transactionBound } from './fill.ts';
import type { Row } from './rows.ts';
import type { State } from './state.ts';
import { goingOn, type Decided } from './steps.ts';
import { touchViews } from './touch-views.ts';

export type Outcome =
  | { readonly result: AnyResult }
  | { readonly error: RegistryError }
  /** Not all of it is done; this command does the rest. */
  | { readonly next: Command };

export interface Writes {
  /** Rows read by key, with the revision seen; 0 means absent. */
  readonly expect: readonly { readonly key: string; readonly revision: number }[];
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

/**
 * @param now wall clock in milliseconds, for lock delays only
 * @param bound of the transaction
 */
export function decideBatch(state: State, commands: readonly Command[], now: number, bound = transactionBound): Batch {
  const draft = new Draft(state, bound);
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
  return {
    decided: decided.length,
    outcomesAt,
    writes: {
      expect: Array.from(draft.reads(), ([key, revision]) => ({ key, revision })),
      put: Array.from(draft.puts(), ([key, row]) => ({ key, value: encodeRow(row), row })),
      delete: [...draft.deletes()],
    },
  };
}
