/**
 * The effects of put, get, cas and delete on one key, for the checker of linearizability. Values of a history are unique, so a
 * value stands for its write, and its revision is known as soon as one reader has seen it.
 */

import type { Model, Operation } from './linearizable.ts';

export type KeyInput =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: string }
  /** Writes `value` when the revision of the key is `revision`; 0: when the key does not exist. */
  | { readonly kind: 'cas'; readonly revision: number; readonly value: string }
  | { readonly kind: 'delete' }
  /** Deletes the key when its revision is `revision`, and succeeds when it does not exist, as in Consul. */
  | { readonly kind: 'delete-cas'; readonly revision: number };

export interface KeyOutput {
  /** The result of a get; undefined for an absent key. */
  readonly found?: { readonly value: string; readonly revision: number };
  /** Whether a write took effect. */
  readonly applied?: boolean;
}

export type KeyOperation = Operation<KeyInput, KeyOutput>;

export interface KeyState {
  readonly value: string | undefined;
  /** Revision of the value; 0 for an absent key, -1 when no reader has seen it. */
  readonly revision: number;
  /** The highest revision that the key is known to have had; later ones are higher. */
  readonly floor: number;
}

/** @param revisions of the values that readers have seen (`revisionsOf`) */
export function keyModel(revisions: ReadonlyMap<string, number>): Model<KeyState, KeyInput, KeyOutput> {
  const written = (state: KeyState, value: string): KeyState | undefined => {
    const revision = revisions.get(value) ?? -1;
    if (revision !== -1 && revision <= state.floor) return undefined;
    return { value, revision, floor: Math.max(state.floor, revision) };
  };
  const removed = (state: KeyState): KeyState => ({ value: undefined, revision: 0, floor: state.floor });
  /** The state after a conditional write. A write of unknown outcome counts as done if its condition holds. */
  const conditional = (state: KeyState, holds: boolean, output: KeyOutput | undefined, after: () => KeyState | undefined) => {
    if (output === undefined) return holds ? (after() ?? state) : state;
    if (output.applied !== holds) return undefined;
    return holds ? after() : state;
  };
  return {
    initial: { value: undefined, revision: 0, floor: 0 },
    step(state, input, output) {
      switch (input.kind) {
        case 'get': {
          if (output === undefined) return state;
          const { found } = output;
          return found?.value === state.value && (found?.revision ?? 0) === state.revision ? state : undefined;
        }
        case 'put':
          return output === undefined ? (written(state, input.value) ?? state) : written(state, input.value);
        case 'cas':
          return conditional(state, state.revision === input.revision, output, () => written(state, input.value));
        case 'delete':
          return removed(state);
        case 'delete-cas':
          return conditional(state, state.value === undefined || state.revision === input.revision, output, () => removed(state));
      }
    },
    key: ({ value, floor }) => `${value ?? ''} ${floor}`,
  };
}

/**
 * The revision of each value that a reader has seen.
 * @returns the revisions, and a sentence for each value with two revisions and each revision with two values
 */
export function revisionsOf(operations: readonly KeyOperation[]): { readonly revisions: ReadonlyMap<string, number>; readonly breaks: readonly string[] } {
  const revisions = new Map<string, number>();
  const values = new Map<number, string>();
  const breaks: string[] = [];
  for (const { output } of operations) {
    if (output?.found === undefined) continue;
    const { value, revision } = output.found;
    const before = revisions.get(value);
    if (before !== undefined && before !== revision) breaks.push(`value ${value} was read at revisions ${before} and ${revision}`);
    const other = values.get(revision);
    if (other !== undefined && other !== value) breaks.push(`revision ${revision} was read with values ${other} and ${value}`);
    revisions.set(value, revision);
    values.set(revision, value);
  }
  return { revisions, breaks };
}
