/**
 * Work that may be too large for one transaction (`fill.ts`): where it stops, and how it goes on.
 *
 * A decision whose work follows the state is a generator that yields where it may stop: what it has
 * written so far is a legal state, in which nothing is half removed. When the transaction is full there,
 * the command goes on in a later one, with the commands that wait in between. After a crash the rest is
 * not done; the same command, given again, does it.
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

/** What a command answers, or in what the command that goes on differs from it. */
export type Decided<T = unknown> = { readonly answer: T } | { readonly rest: object };

/**
 * The command that goes on with what `command` has left undone.
 * @param decision of the room that has the command
 * @param rest the fields in which it differs
 * @param revision of the transaction with what it has done
 */
export function goingOn<C extends AnyCommand>(command: C, { resumes }: Decision, rest: object, revision: number): C {
  const { asOf = revision } = command as C & Resumable;
  return { ...command, ...rest, ...(resumes === true ? { asOf } : {}) };
}

/**
 * Whether what was written at a revision was there when a command began that goes on in steps.
 * @param revision 0 for what is not committed yet
 * @param asOf as in `Resumable`
 */
export function wasThere(revision: number, asOf: number | undefined): boolean {
  return asOf === undefined || (revision !== 0 && revision <= asOf);
}
