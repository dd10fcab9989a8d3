/**
 * What acquiring and releasing one lock do, for the checker of linearizability. A lock is a key that at most one session holds.
 * The end of a session releases it; when no client ended the session, that is an operation whose time is unknown.
 */

import type { Model, Operation } from './linearizable.ts';

export type LockInput =
  | { readonly kind: 'acquire'; readonly session: string }
  | { readonly kind: 'release'; readonly session: string }
  /** The session ends, by a client or by its TTL. */
  | { readonly kind: 'end'; readonly session: string }
  | { readonly kind: 'read' };

export interface LockOutput {
  /** Whether `acquire` or `release` took effect; false of an acquire whose session has ended. */
  readonly applied?: boolean;
  /** Session that `read` has found; undefined when the lock is free. */
  readonly holder?: string;
}

export type LockOperation = Operation<LockInput, LockOutput>;

export interface LockState {
  readonly holder: string | undefined;
  /** Sessions that have ended, sorted. */
  readonly ended: readonly string[];
}

export const lockModel: Model<LockState, LockInput, LockOutput> = {
  initial: { holder: undefined, ended: [] },
  step(state, input, output) {
    switch (input.kind) {
      case 'acquire': {
        const free = state.holder === undefined || state.holder === input.session;
        return changed(state, free && !state.ended.includes(input.session), output, { ...state, holder: input.session });
      }
      case 'release':
        return changed(state, state.holder === input.session, output, { ...state, holder: undefined });
      case 'end': {
        if (state.ended.includes(input.session)) return state;
        const holder = state.holder === input.session ? undefined : state.holder;
        return { holder, ended: [...state.ended, input.session].sort() };
      }
      case 'read':
        return output === undefined || output.holder === state.holder ? state : undefined;
    }
  },
  key: ({ holder, ended }) => `${holder ?? ''} ${ended.join()}`,
};

/** An operation whose outcome is unknown has happened when it could. */
function changed(state: LockState, holds: boolean, output: LockOutput | undefined, after: LockState): LockState | undefined {
  if (output !== undefined && output.applied !== holds) return undefined;
  return holds ? after : state;
}
