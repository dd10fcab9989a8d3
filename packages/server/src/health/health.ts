/**
 * The port of health: what front ends may ask of liveness. Deadlines live in memory only;
 * a *change* of liveness goes through the log like every other change.
 */

import type { CheckStatus } from '@rollcall/protocol';

export interface Health {
  /**
   * A heartbeat for a `ttl` check. Renews its deadline at once; commits only when the status
   * differs from the registry's. An output that changes alone is kept here and committed late.
   * @param output for people; beyond 4,096 bytes it is cut
   * @param principal who says so, for self-preservation (`net/principal.ts`)
   * @param connection number of the connection on which it came (`net/connection-number.ts`)
   * @returns false when there is no such check, or its type is not `ttl`
   * @throws RegistryError as `Registry.submit` does, when a change could not be committed; the
   *   deadline is renewed all the same
   */
  beat(namespace: string, node: string, check: string, status: CheckStatus, output: string, principal: string, connection?: number): Promise<boolean>;

  /**
   * Starts the time of a `ttl` check anew without saying anything about it: it was registered again, maybe
   * unchanged, and its registrant is there. On other checks it only notes who registered them.
   */
  restart(namespace: string, node: string, check: string, principal: string): void;

  /** The newest output of a check, which the log may not have yet; undefined: see the row. */
  output(namespace: string, node: string, check: string): string | undefined;

  /** Starts the session's time anew; false when there is no such session, or its end has begun. */
  renewSession(namespace: string, id: string, principal: string, connection?: number): boolean;

  /**
   * A stream vouches for the session from now on: its time stops. Its instances' `stream` checks turn
   * passing; when that cannot be committed it is tried again, and the promise resolves all the same.
   * @throws RegistryError `not_found` when there is no such session, or its end has begun
   */
  streamOpened(namespace: string, id: string, principal: string): Promise<void>;

  /**
   * The stream is gone: its instances turn critical now and leave after the session's grace, unless
   * `streamOpened` comes before. Not to be called for a connection that another one has replaced.
   * Never rejects: what cannot be committed is tried again.
   */
  streamClosed(namespace: string, id: string): Promise<void>;
}
