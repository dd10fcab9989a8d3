/**
 * Work that may be too large for one transaction (`fill.ts`): where it stops, and how it goes on.
 *
 * A decision whose work grows with the state is a generator that yields where it may stop: its writes so far leave a legal
 * state, in which nothing is half removed. If the transaction is full there, the command continues in a later one, after the
 * commands that wait. A crash leaves the rest undone; the same command, given again, does it.
 */

import type { AnyCommand, Resumable } from './command.ts';
import type { Decision } from './room.ts';

/**
 * Where the work may stop: makes the fields in which the command that goes on differs from this one.
 * Undefined when it is the same command: the work that is done is not repeated.
 */
export type Stop = (() => object) | undefined;

/** Yields where the work may stop; returns the command's answer. */
export type Steps<T> = Generator<Stop, T, undefined>;

/** The answer of a command, or the fields in which its continuation differs from it. */
export type Decided<T = unknown> = { readonly answer: T } | { readonly rest: object };

/**
 * The command that does the rest of `command`.
 * @param decision of the room that has the command
 * @param rest the fields in which it differs
 * @param revision of the transaction with the work that is done
 */
export function goingOn<C extends AnyCommand>(command: C, { resumes }: Decision, rest: object, revision: number): C {
  const { asOf = revision } = command as C & Resumable;
  return { ...command, ...rest, ...(resumes === true ? { asOf } : {}) };
}

/**
 * Whether a row existed when a command in steps began.
 * @param revision of the row; 0 if it is not committed yet
 * @param asOf as in `Resumable`
 */
export function wasThere(revision: number, asOf: number | undefined): boolean {
  return asOf === undefined || (revision !== 0 && revision <= asOf);
}
