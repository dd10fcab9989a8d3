/** A lock that this client holds, as programs see it. */

import type { Lease, LeaseState } from './lease.ts';

/**
 * `await using lock = await client.lock('name')` releases it at the end of the block.
 *
 * Promises: the token is higher than every one before it under the name; the signal fires before the registry may give the lock to another,
 * if clock rates differ by at most 10 % and the event loop runs; a look at the signal after a pause of the process fires it first.
 */
export class HeldLock implements AsyncDisposable {
  readonly #lease: Lease;

  /** The client calls this. */
  constructor(lease: Lease) {
    this.#lease = lease;
  }

  get name(): string {
    return this.#lease.name;
  }

  /** Names the holder to observers. */
  get id(): string {
    return this.#lease.id;
  }

  /** Rises strictly with each grant of the name: the fencing token. */
  get token(): bigint {
    return this.#lease.token;
  }

  /**
   * Fires at the local deadline, or when the registry says that the lock is lost, with a LeadershipLostError as its reason; with another
   * reason when the lock is released.
   */
  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  /** `uncertain` after a renewal that failed: the lock is held, and may not be for long. */
  get state(): LeaseState {
    return this.#lease.state;
  }

  /** Milliseconds to the local deadline, counted from before the last successful renewal was sent. */
  remainingMs(): number {
    return this.#lease.remainingMs();
  }

  /**
   * Gives the lock to the next contender. Safe to repeat; concerns this grant only.
   * @throws RegistryError `unknown_outcome` when no answer came within 5 s
   */
  release(): Promise<void> {
    return this.#lease.release();
  }

  /**
   * Gives the lock to the contender with this id, wherever it waits in the queue.
   * @throws RegistryError `not_found` when none waits with that id; LeadershipLostError
   */
  transferTo(id: string): Promise<void> {
    return this.#lease.transferTo(id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
