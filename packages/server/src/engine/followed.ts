/**
 * An engine of this process whose log other nodes follow. They commit to it through this one, so it is no longer exclusive: the
 * replica of this process writes heads and guards as all others do (docs/decisions/0037).
 */

import type { Clock } from '../clock.ts';
import type { Engine } from './engine.ts';
import { localPresence, type LocalPresence } from './local-presence.ts';
import type { Presence } from './presence.ts';

export interface FollowedEngine extends Engine {
  readonly presence: LocalPresence;
}

/** Followers of a primary that was restarted are back within so long: they try again every 2 s at most. */
const returnMs = 5_000;

export interface FollowedOptions {
  readonly clock: Clock;
  /** Whether followers of an earlier life may be on their way back; true by default. */
  readonly afterRestart?: boolean;
}

/** @param engine closed with the result */
export function followed(engine: Engine, { clock, afterRestart = true }: FollowedOptions): FollowedEngine {
  const own = localPresence();
  const presence = afterRestart ? { ...own, watch: watchLater(own, clock) } : own;
  return {
    name: engine.name,
    limits: engine.limits,
    exclusive: false,
    presence,
    commit: (transaction) => engine.commit(transaction),
    changes: (options) => engine.changes(options),
    barrier: () => engine.barrier(),
    ...(engine.overwritten === undefined ? {} : { overwritten: (after: number) => engine.overwritten?.(after) ?? Promise.resolve(undefined) }),
    close() {
      presence.close();
      return engine.close();
    },
  };
}

/** The presences of followers are unknown until they had time to come back. */
function watchLater(presence: Presence, clock: Clock): Presence['watch'] {
  const knownAt = clock.monotonic() + returnMs;
  return (listener) => {
    let stop = () => {};
    const begin = () => {
      stop = presence.watch(listener);
    };
    const waitMs = knownAt - clock.monotonic();
    if (waitMs > 0) stop = clock.timer(waitMs, begin);
    else begin();
    return () => stop();
  };
}
