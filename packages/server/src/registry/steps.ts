/**
 * Work that may be too large for one transaction (`fill.ts`): where it stops, and how it goes on.
 *
 * A decision whose work follows the state is a generator that yields where it may stop: what it has
 * written so far is a legal state, in which nothing is half removed. When the transaction is full there,
 * the command goes on in a later one, with the commands that wait in between. After a crash the rest is
 * not done; the same command, given again, does it.
 */

import type { Command } from './command.ts';

/**
 * Where the work may stop: makes the fields in which the command that goes on differs from this one.
 * Undefined when it is the same command: what it has done is not there to be done again.
 */
export type Stop = (() => object) | undefined;

/** Yields where the work may stop; returns the command's answer. */
export type Steps<T> = Generator<Stop, T, undefined>;

/** What a command answers, or in what the command that goes on differs from it. */
export type Decided<T> = { readonly answer: T } | { readonly rest: object };

/**
 * The command that goes on with what `command` has left undone.
 * @param rest the fields in which it differs
 * @param revision of the transaction with what it has done
 */
export function goingOn(command: Command, rest: object, revision: number): Command {
  const asOf =
    command.kind === 'kv-delete-tree' || command.kind === 'deregister-node' || command.kind === 'restore' ? (command.asOf ?? revision) : undefined;
  return { ...command, ...rest, ...(asOf === undefined ? {} : { asOf }) };
}

/**
 * Whether commands that came later may be decided between the steps of this one. The others keep their
 * place: what they have left to say of a check or a session must not come after something newer.
 */
export function letsOthersPass({ kind }: Command): boolean {
  return kind === 'kv-delete-tree' || kind === 'deregister-node' || kind === 'prune' || kind === 'namespace-delete';
}
