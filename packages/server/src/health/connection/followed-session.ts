/**
 * Follows the row of a session that a connection of this process vouches for: tells when the session is gone, and when another node
 * of the store holds it, since its client has come back there.
 */

import { findSession } from '../../registry/kind/session/find.ts';
import { sessionView } from '../../registry/kind/session/views.ts';
import type { Registry } from '../../registry/registry.ts';

export interface FollowedSessionOptions {
  readonly registry: Registry;
  /** Id under which this process holds connections. */
  readonly holder: string;
  readonly namespace: string;
  readonly id: string;
  /** Epoch of the session when the connection came; 0 if there was none. A holder of a later one has a newer connection. */
  readonly after: number;
  /** The session has ended in the registry. */
  readonly onLost: () => void;
  /** Another node holds its connection. */
  readonly onMoved: () => void;
}

export class FollowedSession {
  readonly #options: FollowedSessionOptions;
  #unwatch: () => void = () => {};

  constructor(options: FollowedSessionOptions) {
    this.#options = options;
  }

  /** Whether another node has got a newer connection of the session. */
  get isElsewhere(): boolean {
    const { registry, holder, namespace, id, after } = this.#options;
    const row = findSession(registry.state, namespace, id);
    return row?.holder !== undefined && row.holder !== holder && (row.epoch ?? 0) > after;
  }

  /** Begins to follow the session, which exists. */
  watch(): void {
    const { registry, namespace, id } = this.#options;
    this.stop();
    this.#unwatch = registry.views.watch(sessionView(namespace, id), () => this.look());
  }

  /** To be called once the registry was told that this node holds the session. */
  look(): void {
    const { registry, namespace, id, onLost, onMoved } = this.#options;
    const row = findSession(registry.state, namespace, id);
    if (row !== undefined && !this.isElsewhere) return;
    this.stop();
    if (row === undefined) onLost();
    else onMoved();
  }

  stop(): void {
    this.#unwatch();
    this.#unwatch = () => {};
  }
}
