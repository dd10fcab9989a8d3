/**
 * An engine of this process whose log other nodes follow. They commit to it through this one, so it is no longer exclusive: the
 * replica of this process writes heads and guards as all others do (docs/decisions/0037).
 */

import type { Engine } from './engine.ts';
import { localPresence, type LocalPresence } from './local-presence.ts';

export interface FollowedEngine extends Engine {
  readonly presence: LocalPresence;
}

/** @param engine closed with the result */
export function followed(engine: Engine): FollowedEngine {
  const presence = localPresence();
  return {
    name: engine.name,
    limits: engine.limits,
    exclusive: false,
    presence,
    commit: (transaction) => engine.commit(transaction),
    changes: (options) => engine.changes(options),
    barrier: () => engine.barrier(),
    close() {
      presence.close();
      return engine.close();
    },
  };
}
