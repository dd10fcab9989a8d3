/**
 * `decide`: from a command to writes on a draft, or an error. Pure: no clock, randomness or I/O.
 *
 * Each kind of command has one function in the room of its kind (`kind/`). View markers are not their business: `touchViews`
 * derives them once per batch.
 */

import type { AnyResult, Command, Result, Txn, TxnResult } from './command.ts';
import { transact } from './decide-txn.ts';
import { Draft } from './draft.ts';
import { prune } from './prune.ts';
import { restoreInSteps } from './restore.ts';
import type { Reader } from './reader.ts';
import type { Decision } from './room.ts';
import type { Decided, Steps } from './steps.ts';

/**
 * Decides one command on top of what the draft holds, as far as the draft has room. On success its writes
 * are in the draft, on an error the draft is as before.
 *
 * @param now wall clock in milliseconds, for lock delays and for the times in instances
 * @throws RegistryError `not_found`, `failed_precondition`, `invalid_argument`, `already_exists`
 */
export function decide<C extends Command>(draft: Draft, command: C, now: number): Decided<Result<C>> {
  return draft.attempt(() => {
    const work = decideOn(draft, command, now);
    if (typeof work !== 'object' || !('next' in work)) return { answer: work };
    for (;;) {
      const step = work.next();
      if (step.done === true) return { answer: step.value };
      if (draft.fill.full) return { rest: step.value?.() ?? {} };
    }
  }) as Decided<Result<C>>;
}

/** Answers a transaction that only reads. */
export function readTransaction(reader: Reader, transaction: Txn, now: number): TxnResult {
  return transact(new Draft(reader), transaction, now, decide);
}

/** The commands that concern every kind are decided here, the others in the room that has them. */
function decideOn(draft: Draft, command: Command, now: number): AnyResult | Steps<AnyResult> {
  if (command.kind === 'txn') return transact(draft, command, now, decide);
  if (command.kind === 'prune') return prune(draft, command, now);
  if (command.kind === 'restore') return restoreInSteps(draft, command);
  const { kinds } = draft;
  const decision = kinds.decision(command.kind) as Decidable | undefined;
  if (decision === undefined) throw new TypeError(`no room decides ${command.kind}`);
  if (decision.writes === true) {
    for (const each of kinds.admissions as readonly Admitting[]) each.check(draft, (command as { readonly namespace: string }).namespace);
  }
  return decision.decide(draft, command, now);
}

/** Decisions as they are called; rooms describe each with its own command. */
interface Decidable extends Decision {
  decide(draft: Draft, command: Command, now: number): AnyResult | Steps<AnyResult>;
}

interface Admitting {
  check(draft: Draft, namespace: string): void;
}
