/**
 * `decide`: from a command to writes on a draft, or an error. Pure: no clock, randomness or I/O.
 *
 * Each kind of command has one function, in the room of its kind (`kind/`), or here if it concerns rows of every kind. They do
 * not write view markers: `touchViews` derives those once per batch.
 */

import type { AnyCommand, AnyTxn, AnyTxnResult, Prune, Restore } from './command.ts';
import { transact } from './decide-txn.ts';
import { Draft } from './draft.ts';
import type { KindTable } from './kind-table.ts';
import { prune } from './prune.ts';
import type { Reader } from './reader.ts';
import { restoreInSteps } from './restore.ts';
import type { Decision } from './room.ts';
import type { AnyRow } from './row.ts';
import type { Decided, Steps } from './steps.ts';

/**
 * Decides one command on top of what the draft holds, as far as the draft has room. On success its writes
 * are in the draft, on an error the draft is as before.
 *
 * @param now wall clock in milliseconds, for lock delays and for the times in instances
 * @throws RegistryError `not_found`, `failed_precondition`, `invalid_argument`, `already_exists`
 */
export function decide(draft: Draft, command: AnyCommand, now: number): Decided {
  return draft.attempt(() => {
    const { kinds } = draft;
    const decision = decisionOn(kinds, command);
    if (decision.writes === true) {
      for (const each of kinds.admissions as readonly Admitting[]) each.check(draft, command.namespace as string);
    }
    const work = decision.decide(draft, command, now);
    if (!isSteps(work)) return { answer: work };
    for (;;) {
      const step = work.next();
      if (step.done === true) return { answer: step.value };
      if (draft.fill.full) return { rest: step.value?.() ?? {} };
    }
  });
}

/** Answers a transaction that only reads. @returns rows of the kinds that the reader has */
export function readTransaction<R extends AnyRow>(reader: Reader & { get(key: string): R | undefined }, transaction: AnyTxn, now: number): AnyTxnResult<R> {
  return transact(new Draft(reader), transaction, now, decide) as AnyTxnResult<R>;
}

/** @throws TypeError for a command that neither a room nor the shared part decides */
export function decisionOn(kinds: KindTable, { kind }: AnyCommand): Decidable {
  const decision = shared[kind] ?? kinds.decision(kind);
  if (decision === undefined) throw new TypeError(`no room decides ${kind}`);
  return decision;
}

/** Decides the commands that concern rows of every kind. */
const shared: Readonly<Record<string, Decidable>> = {
  txn: { decide: (draft: Draft, command: AnyTxn, now: number) => transact(draft, command, now, decide) },
  prune: { letsOthersPass: true, decide: (draft: Draft, command: Prune, now: number) => prune(draft, command, now) },
  restore: { resumes: true, decide: (draft: Draft, command: Restore, now: number) => restoreInSteps(draft, command, now) },
};

/** Decisions as they are called; rooms describe each with its own command. */
interface Decidable extends Decision {
  decide(draft: Draft, command: AnyCommand, now: number): unknown;
}

interface Admitting {
  check(draft: Draft, namespace: string): void;
}

function isSteps(work: unknown): work is Steps<unknown> {
  return typeof work === 'object' && work !== null && 'next' in work;
}
