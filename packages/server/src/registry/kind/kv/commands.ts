/** The commands about keys. */

import type { Resumable } from '../../command.ts';

/** Writes a KV key; false when the condition does not hold and nothing was written. */
export interface KvPut {
  readonly kind: 'kv-put';
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly flags: bigint;
  /** At most one condition. `cas`: the key's revision, 0 for "must not exist". */
  readonly condition?:
    | { readonly kind: 'cas'; readonly revision: number }
    | { readonly kind: 'acquire'; readonly session: string }
    | { readonly kind: 'release'; readonly session: string };
}

/** Removes one key; true when it is gone afterwards. */
export interface KvDelete {
  readonly kind: 'kv-delete';
  readonly namespace: string;
  readonly key: string;
  /** Remove only at this revision; 0 always succeeds and removes nothing. */
  readonly cas?: number;
}

export interface KvDeleteTree extends Resumable {
  readonly kind: 'kv-delete-tree';
  readonly namespace: string;
  readonly prefix: string;
  /** Where to go on: only keys above this one. */
  readonly after?: string;
}
