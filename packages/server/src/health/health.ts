/**
 * The port of health: what front ends may ask of liveness. Deadlines exist in memory only;
 * a *change* of liveness goes through the log like every other change.
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { ProbeResult } from './probes/probe.ts';

export interface Health {
  /** Id of the member under which this process holds streams; a worker has another one than its node. */
  readonly holder: string;

  /**
   * A heartbeat for a `ttl` check. Renews its deadline at once; commits only if the status
   * differs from the registry's. A changed output alone is kept here and committed later.
   * @param output for people; shortened to 4,096 bytes
   * @param principal the sender, for self-preservation (`net/principal.ts`)
   * @param connection on which it came; only its identity counts
   * @returns false if the check does not exist, or its type is not `ttl`; a promise only when something has to be committed
   * @throws RegistryError as `Registry.submit` does, if a change could not be committed; the
   *   deadline is renewed nevertheless
   */
  beat(namespace: string, node: string, check: string, status: CheckStatus, output: string, principal: string, connection?: object): boolean | Promise<boolean>;

  /**
   * Restarts the time of a `ttl` check without a status: it was registered again, maybe
   * unchanged, so its registrant is alive. For other checks it only records who registered them.
   */
  restart(namespace: string, node: string, check: string, principal: string): void;

  /**
   * Milliseconds since the last heartbeat of a `ttl` check, or since something else restarted its time: its registration, or the start
   * of this node. Undefined when another node watches it, its time is over, or there is no such check.
   */
  renewedMsAgo(namespace: string, node: string, check: string): number | undefined;

  /** The newest output of a check, which may not yet be in the log; undefined: use the row's. */
  output(namespace: string, node: string, check: string): string | undefined;

  /**
   * Runs the probe of a check now, or joins the one that runs; its result counts like every other.
   * @returns the result, undefined if the check is gone first; `elsewhere`: another node of the store probes the check, and was asked to
   */
  probe(namespace: string, node: string, check: string): Promise<ProbeResult | undefined> | 'elsewhere';

  /** Restarts the session's time; false if the session does not exist, or its end has begun. */
  renewSession(namespace: string, id: string, principal: string, connection?: object): boolean;

  /**
   * A stream vouches for the session from now on: its time stops. The `stream` checks of its instances turn
   * passing. If that cannot be committed, it is tried again, and the promise resolves nevertheless.
   * @param after the session's epoch when the stream came, 0 if there was no session; the present one when not given
   * @returns false if a newer stream of the session has come to another node since then: this one does not vouch for it
   * @throws RegistryError `not_found` if the session does not exist, or its end has begun
   */
  streamOpened(namespace: string, id: string, principal: string, after?: number): Promise<boolean>;

  /**
   * The stream has ended: its instances turn critical now and are removed after the session's grace, unless
   * `streamOpened` comes before. Do not call it for a connection that another one has replaced.
   * Never rejects: a failed commit is tried again.
   */
  streamClosed(namespace: string, id: string): Promise<void>;

  /**
   * The client of the stream was told to use another server. Its instances stay as they are for the session's grace, in which it
   * resumes there.
   */
  streamDismissed(namespace: string, id: string): void;
}
