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
import type { Row } from './rows.ts';
import type { State } from './state.ts';
import { touchViews } from './touch-views.ts';

export type Outcome = { readonly result: AnyResult } | { readonly error: RegistryError };

export interface Writes {
  /** Rows read by key, with the revision seen; 0 means absent. */
  readonly expect: readonly { readonly key: string; readonly revision: number }[];
  /** `row` is what `value` encodes; engines carry the bytes alone. */
  readonly put: readonly { readonly key: string; readonly value: Uint8Array; readonly row: Row }[];
  readonly delete: readonly string[];
}

export interface Batch {
  /**
   * One per command, in order. They hold only if the writes are committed.
   * @param revision of the commit; the state's own when there is nothing to commit
   */
  readonly outcomesAt: (revision: number) => readonly Outcome[];
  /** Undefined when nothing changes. */
  readonly writes: Writes | undefined;
}

/** @param now wall clock in milliseconds, for lock delays only */
export function decideBatch(state: State, commands: readonly Command[], now: number): Batch {
  const draft = new Draft(state);
  const outcomes = commands.map((command): Outcome => {
    try {
      return { result: decide(draft, command, now) };
    } catch (error) {
      return { error: toRegistryError(error) };
    }
  });
  draft.dropNoOps();
  const answers = outcomes.map((outcome): ((revision: number) => Outcome) => {
    if ('error' in outcome || typeof outcome.result !== 'object') return () => outcome;
    const at = answerAt(outcome.result, state, draft, state.revision);
    return (revision) => ({ result: at(revision) });
  });
  const outcomesAt = (revision: number) => answers.map((answer) => answer(revision));
  if (draft.empty) return { outcomesAt, writes: undefined };
  touchViews(state, draft);
  return {
    outcomesAt,
    writes: {
      expect: Array.from(draft.reads(), ([key, revision]) => ({ key, revision })),
      put: Array.from(draft.puts(), ([key, row]) => ({ key, value: encodeRow(row), row })),
      delete: [...draft.deletes()],
    },
  };
}
