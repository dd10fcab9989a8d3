/** Presence in one process, for stores that live in it: a node is present until it is released, replaced, or ended by its owner. */

import { RegistryError } from '@rollcall/protocol';
import type { Held, Presence } from './presence.ts';

/** As in an engine whose leases need a network. */
const ttlMs = 10_000;

type Loss = 'expired' | 'replaced';

interface Holding {
  readonly lose: (reason: Loss) => void;
}

export interface LocalPresence extends Presence {
  /** Ends the presence of a node as its death would. */
  end(nodeId: string): void;
  /** Releases all, and tells watchers nothing more. */
  close(): void;
}

export function localPresence(): LocalPresence {
  const held = new Map<string, Holding>();
  const listeners = new Set<(present: ReadonlySet<string>) => void>();
  let closed = false;

  /** Watchers hear of a change after the call that made it, as over a network. */
  function tell(): void {
    const present = new Set(held.keys());
    for (const listener of listeners) {
      setImmediate(() => {
        if (listeners.has(listener)) listener(present);
      });
    }
  }

  function remove(nodeId: string): void {
    held.delete(nodeId);
    tell();
  }

  return {
    ttlMs,
    async hold(nodeId): Promise<Held> {
      if (closed) throw new RegistryError('unavailable', 'the engine is closed');
      let lose: Holding['lose'] = () => {};
      const lost = new Promise<Loss>((resolve) => (lose = resolve));
      const holding: Holding = { lose };
      held.get(nodeId)?.lose('replaced');
      held.set(nodeId, holding);
      tell();
      return {
        lost,
        async release() {
          if (held.get(nodeId) === holding) remove(nodeId);
        },
      };
    },
    watch(listener) {
      const own = (present: ReadonlySet<string>) => listener(present);
      listeners.add(own);
      const present = new Set(held.keys());
      setImmediate(() => {
        if (listeners.has(own)) own(present);
      });
      return () => listeners.delete(own);
    },
    end(nodeId) {
      const holding = held.get(nodeId);
      if (holding === undefined) return;
      remove(nodeId);
      holding.lose('expired');
    },
    close() {
      closed = true;
      listeners.clear();
      held.clear();
    },
  };
}
