/**
 * The port of an observer: it follows every change that is applied to the state, in order. Access control, liveness
 * and front ends that keep an index or a list of recent changes are observers. One that needs only to know that
 * a view has changed watches the view instead (`views.ts`).
 */

import type { RowChange } from './kinds.ts';

/** Neither method may throw: the registry cannot go on when an observer has missed a change. */
export interface Observer {
  /**
   * Called once for each applied transaction, in the same turn of the event loop. The state already shows the
   * transaction; watchers have not been woken, and the commands in it have not been answered.
   * @param changes rows that differ, each with its content before and after
   * @param revision of the transaction
   */
  observe(changes: readonly RowChange[], revision: number): void;

  /**
   * Called instead of `observe` when a restore has replaced the whole state. The first step runs in the turn of the
   * replacement: observers that must never be behind the state act there. The event loop turns between later steps;
   * the registry applies nothing until the last one is done.
   */
  replaced(changes: readonly RowChange[]): Generator<void, void, undefined>;
}
