/** The commands about sessions. */

import type { Judged } from '../../judged.ts';
import type { Foreign } from '../../row.ts';
import type { CheckRef } from './rows.ts';

export interface SessionCreate {
  readonly kind: 'session-create';
  readonly namespace: string;
  readonly id: string;
  readonly name: string;
  readonly node: string;
  readonly liveness: 'ttl' | 'stream';
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly behavior: 'release' | 'delete';
  /** Of the node, or of instances on it in the session's namespace; must exist and not be critical. */
  readonly checks: readonly CheckRef[];
  /** Of a stream that is open: id of the server's node that has the connection. */
  readonly holder?: string;
  /** As in the row; only with a TTL. */
  readonly strict?: true;
  /** As in the row; only with a TTL, and not with `strict`. */
  readonly exact?: true;
  readonly foreign?: Foreign;
}

/**
 * Renews a strict session in the log, where each node sees it: an end that was judged before no longer counts. False when there is none.
 */
export interface SessionRenew {
  readonly kind: 'session-renew';
  readonly namespace: string;
  readonly id: string;
}

/**
 * A session with a TTL has a new connection, perhaps to another node of the store, which holds the session from now on. Answers the epoch that
 * begins with it; false when there is no such session. What the older connections still send can be refused by its epoch.
 */
export interface SessionReconnect {
  readonly kind: 'session-reconnect';
  readonly namespace: string;
  readonly id: string;
}

/** Ends a session: its locks are released or deleted, its instances removed. */
export interface SessionDestroy {
  readonly kind: 'session-destroy';
  readonly namespace: string;
  readonly id: string;
  readonly judged?: Judged;
}

/**
 * A stream session has a connection, or has lost it: the stream checks of its instances change with it. A connection of another
 * holder, and one after a loss, begins a new epoch of the session. False, and nothing is changed, when the connection is of an
 * older epoch.
 */
export type SessionConnected = {
  readonly kind: 'session-connected';
  readonly namespace: string;
  readonly id: string;
  /** Id of the server's node that has the connection, or had it. */
  readonly holder: string;
} & (
  | {
      readonly connected: true;
      /**
       * The session's epoch when the connection came, 0 if there was no session. If another holder began a later epoch, that
       * connection is newer.
       */
      readonly after: number;
      /** The epoch that the command has begun, if it continues. */
      readonly epoch?: number;
    }
  | {
      readonly connected: false;
      /** Of the connection that was lost. */
      readonly epoch: number;
    }
);
