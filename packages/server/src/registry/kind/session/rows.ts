/** The rows of sessions. */

import type { Foreign, Revisions } from '../../row.ts';

/** Names a check of a known node. */
export interface CheckRef {
  /** `default` for a check of the node itself. */
  readonly namespace: string;
  readonly id: string;
}

export interface SessionRow extends Revisions {
  readonly kind: 'session';
  readonly namespace: string;
  /** A UUID chosen by the submitter. */
  readonly id: string;
  readonly name: string;
  readonly node: string;
  /** `ttl`: renewed by its owner, or bound to checks only. `stream`: an open native stream. */
  readonly liveness: 'ttl' | 'stream';
  /** 0 means that only its checks end it. For a stream: the reconnect grace. */
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly behavior: 'release' | 'delete';
  /** Checks of `node` itself, or of instances on it in the session's namespace, whose failure ends the session. */
  readonly checks: readonly CheckRef[];
  /**
   * Of a stream: id of the server's node that has the open connection; absent while there is none. With a TTL, on a store that
   * several nodes share: as in a check.
   */
  readonly holder?: string;
  /**
   * Of a stream: rises with each connection of another holder, and after each loss. Commands about an older epoch no longer
   * count. Of a strict one: rises with each renewal that is written. Of another one with a TTL: rises with each later connection
   * (`SessionReconnect`), 0 when absent.
   */
  readonly epoch?: number;
  /**
   * With a TTL: its owner measures the time itself and gives up what it holds before the end. So the session ends after one TTL and not
   * two, also while expiry is frozen.
   */
  readonly strict?: true;
  /** With a TTL: it ends after one TTL and not two, since its protocol says so; not while expiry is frozen. */
  readonly exact?: true;
  /** Its end has begun: it can hold no further rows, and is removed once it holds none. */
  readonly ending?: true;
  readonly foreign?: Foreign;
}
