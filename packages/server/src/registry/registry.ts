/**
 * The registry as front ends see it: read the state, watch views, submit commands.
 *
 * Front ends hold no registry state of their own and never see an engine.
 */

import type { Command, Result } from './kinds.ts';
import type { Observer } from './observer.ts';
import type { State } from './state.ts';
import type { Views } from './views.ts';

export interface Registry {
  /** What is committed and applied here. Read it synchronously; do not keep rows across awaits. */
  readonly state: State;
  readonly views: Views;

  /**
   * Decides, commits and applies a command. When it resolves, the write is durable and `state`
   * has it.
   *
   * @throws RegistryError from `decide`; `resource_exhausted` (no room, or too many commands
   *   waiting); `unavailable` (closed or engine unreachable, nothing was written);
   *   `unknown_outcome` (the write may or may not have taken effect: never retried here)
   */
  submit<C extends Command>(command: C): Promise<Result<C>>;

  /**
   * Tells the observer of every transaction that is applied from now on; `state` has everything before. Observers are
   * told in the order in which they were added.
   * @returns stops it; safe to call more than once
   */
  observe(observer: Observer): () => void;

  /**
   * Resolves when `state` holds everything that was committed anywhere before the call. Costs nothing where this node is
   * the only writer.
   * @throws RegistryError `unavailable` when that takes longer than 3 seconds
   */
  barrier(): Promise<void>;

  /**
   * Resolves when `state` is no older than `revision`, which a caller has seen on this node or another one of the store.
   * @throws RegistryError `unavailable` when that takes longer than 3 seconds
   */
  notOlderThan(revision: number): Promise<void>;

  /** Whether no other process writes to the store: then `state` never misses anything, and nothing needs to wait for `barrier`. */
  readonly isOnlyWriter: boolean;

  /** Milliseconds since `state` was last known to be that of the store, at least 1; 0 while this node follows the store. */
  readonly staleMs: number;

  /**
   * Calls the listener when the state becomes stale, and when it follows the store again.
   * @returns stops it; safe to call more than once
   */
  watchStaleness(listener: () => void): () => void;
}
