/**
 * The port between the sources of instances (the registry with its caches, a static list) and the code
 * that chooses among them (balancer, fetch).
 */

import type { ServiceSnapshot } from '@rollcall/protocol';
import type { PickCounter } from '../connection/pick-reports.ts';

/**
 * The origin of a list. `disk cache`: an earlier process got it from a registry, and no registry has confirmed it to
 * this process.
 */
export type ListOrigin = 'registry' | 'disk cache' | 'program' | 'file' | 'dns';

export interface SourcedSnapshot extends ServiceSnapshot {
  /** True when the registry cannot be asked right now: the list is the last one known. */
  readonly stale: boolean;
  /** Milliseconds since the registry last confirmed this list; 0 while it is connected. */
  readonly ageMs: number;
  /** Optional for sources that programs implement. */
  readonly origin?: ListOrigin | undefined;
}

/** The route of a service as its source has it: rules for the requests to it. */
export interface SourcedRoute {
  /** Not checked; undefined when the service has none. */
  readonly route: unknown;
  readonly revision: number;
}

export interface SnapshotSource {
  /** Namespace of the services; sources without a registry have none. */
  readonly namespace?: string;

  /** The newest list known, or undefined before the first one. Synchronous and cheap. */
  current(service: string): SourcedSnapshot | undefined;

  /** Resolves with the first list known; rejects when `signal` aborts or the source closes. */
  first(service: string, signal?: AbortSignal): Promise<SourcedSnapshot>;

  /**
   * Calls `listener` with each newer list (only the latest of several at once), and at once if one is known.
   * Revisions ascend.
   * @returns ends the watch; idempotent
   */
  watch(service: string, listener: (snapshot: SourcedSnapshot) => void): () => void;

  /**
   * Leases a number among the callers of a service: no other caller has it, and they are dense from 0. Sources without
   * a registry have none.
   * @param listener called with the number once it is leased, and whenever it changes
   * @returns ends the calls; the number stays leased as long as the client lives
   */
  lease?(service: string, listener: (ordinal: number) => void): () => void;

  /**
   * Calls `listener` with the route of a service and with each newer one, and at once if one is known: before the first list, if both
   * come at the same time. Sources without a registry have none.
   * @returns ends the watch; idempotent
   */
  route?(service: string, listener: (route: SourcedRoute) => void): () => void;

  /**
   * Reports the requests to a service to the registry. Sources without a registry have none.
   * @param counter asked from time to time
   * @returns ends the reports
   */
  counted?(service: string, counter: PickCounter): () => void;

  /** The same source for the services of another namespace. Sources without a registry have none. */
  inNamespace?(namespace: string): SnapshotSource;
}
