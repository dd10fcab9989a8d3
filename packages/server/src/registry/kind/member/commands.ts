/** The commands about the nodes of a shared store. */

/** A node joins the store, or joins again after it was wrongly taken for dead. It gets a new epoch. */
export interface MemberJoin {
  readonly kind: 'member-join';
  readonly nodeId: string;
  readonly name: string;
  readonly address: string;
  readonly version: string;
  readonly worker?: true;
  readonly reads?: number;
  readonly edge?: true;
}

/** A node leaves. With `failed`, its presence has ended, and operators are shown it as failed for a while. False, and nothing is changed, when it is not a member in that epoch. */
export interface MemberLeave {
  readonly kind: 'member-leave';
  readonly nodeId: string;
  readonly epoch: number;
  readonly failed?: true;
}

/** A node that has failed is not shown any more. False if it is not shown as failed. */
export interface MemberForget {
  readonly kind: 'member-forget';
  readonly nodeId: string;
}

/** A member begins to drain, or stops draining. False, without a change, if it is not a member in that epoch. */
export interface MemberDrain {
  readonly kind: 'member-drain';
  readonly nodeId: string;
  readonly epoch: number;
  readonly draining: boolean;
}

/** A member watches these deadlines from now on. Keys of rows that do not exist, or have no deadline, are skipped. */
export interface Claim {
  readonly kind: 'claim';
  readonly nodeId: string;
  readonly epoch: number;
  /** Record keys of checks and sessions. */
  readonly keys: readonly string[];
}
