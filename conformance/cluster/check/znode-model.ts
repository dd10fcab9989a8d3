/**
 * The effects of ZooKeeper's create, set, delete and get on one znode, and of the end of a session that has created it as an ephemeral one, for
 * the checker of linearizability. Unlike the revision of a key, the version of a znode begins at 0 with each creation, and an error says why a
 * write was refused. Values of a history are unique.
 */

import type { Model, Operation } from './linearizable.ts';

export type ZnodeInput =
  /** After a `sync`: a read alone may be of an older state. */
  | { readonly kind: 'get' }
  /** `session`: of an ephemeral znode, a name that no other session has. */
  | { readonly kind: 'create'; readonly value: string; readonly session?: string }
  /** `version` -1: whichever the znode has. */
  | { readonly kind: 'set'; readonly value: string; readonly version: number }
  | { readonly kind: 'delete'; readonly version: number }
  /** The session ends, and its ephemeral znode with it. */
  | { readonly kind: 'end'; readonly session: string };

export type ZnodeOutput =
  | { readonly kind: 'done' }
  | { readonly kind: 'found'; readonly value: string; readonly version: number }
  | { readonly kind: 'no-node' | 'node-exists' | 'bad-version' };

export type ZnodeOperation = Operation<ZnodeInput, ZnodeOutput>;

/** Undefined: the znode does not exist. */
export type ZnodeState = { readonly value: string; readonly version: number; readonly session?: string } | undefined;

export const znodeModel: Model<{ readonly znode: ZnodeState }, ZnodeInput, ZnodeOutput> = {
  initial: { znode: undefined },
  step(state, input, output) {
    const { expected, after } = effect(state.znode, input);
    if (output === undefined) return { znode: after };
    return same(expected, output) ? { znode: after } : undefined;
  },
  key: ({ znode }) => (znode === undefined ? '' : `${znode.value} ${znode.version} ${znode.session ?? ''}`),
};

function effect(znode: ZnodeState, input: ZnodeInput): { readonly expected: ZnodeOutput; readonly after: ZnodeState } {
  switch (input.kind) {
    case 'get':
      return { expected: znode === undefined ? { kind: 'no-node' } : { kind: 'found', value: znode.value, version: znode.version }, after: znode };
    case 'create':
      if (znode !== undefined) return { expected: { kind: 'node-exists' }, after: znode };
      return { expected: { kind: 'done' }, after: { value: input.value, version: 0, ...(input.session === undefined ? {} : { session: input.session }) } };
    case 'end':
      return { expected: { kind: 'done' }, after: znode?.session === input.session ? undefined : znode };
    case 'set':
    case 'delete': {
      if (znode === undefined) return { expected: { kind: 'no-node' }, after: znode };
      if (input.version !== -1 && input.version !== znode.version) return { expected: { kind: 'bad-version' }, after: znode };
      return { expected: { kind: 'done' }, after: input.kind === 'set' ? { ...znode, value: input.value, version: znode.version + 1 } : undefined };
    }
  }
}

function same(one: ZnodeOutput, other: ZnodeOutput): boolean {
  if (one.kind !== 'found' || other.kind !== 'found') return one.kind === other.kind;
  return one.value === other.value && one.version === other.version;
}
