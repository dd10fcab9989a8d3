/** What keeps a leader of the past from writing: fences that the leader raises to its token. */

/** The grant that a fence is raised to. */
export interface FencedGrant {
  /** Of the election or the lock. */
  readonly name: string;
  readonly token: bigint;
}

/**
 * A resource that refuses writes with a token lower than the highest that it has seen. `lead` raises it before the leader acts, so that
 * the leaders before it are refused from then on.
 */
export interface Fence {
  /** @throws LeadershipLostError when the resource has seen a higher token */
  raise(grant: FencedGrant): Promise<void> | void;
}

/** For leaders that write only to the registry, by `client.txn().ifLeader(lead)`: each transaction checks the token itself. */
export const registryFence: Fence = { raise: () => {} };
