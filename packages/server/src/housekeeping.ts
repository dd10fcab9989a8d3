/**
 * Housekeeping: once a minute, removes tombstones, empty markers and expired lock delays if there are too many. They exist
 * only so that revisions do not go back. This file decides when; `registry/prune.ts` decides which.
 */

import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Wheel } from './health/wheel.ts';
import { inTurns } from './in-turns.ts';
import { findPrunable } from './registry/prune.ts';
import { allNamespaces } from './registry/kind/namespace/find.ts';
import type { Registry } from './registry/registry.ts';

const everyMs = 60_000;

/** Number of tombstones and empty markers that are kept: about 20 MB. Each prune halves them. */
const forgettableMax = 65_536;
const delaysMax = 1_024;

/** @returns a function that stops it */
export function keepHouse(registry: Registry, wheel: Wheel, clock: Clock, log: Logger): () => void {
  finishDeletions(registry, log);
  const timer = wheel.schedule(everyMs, () => {
    timer.renew(everyMs);
    if (!isWorthPruning(registry)) return;
    prune(registry, clock).then(
      (pruned) => log.info({ pruned }, 'forgot old tombstones and lapsed lock delays'),
      (error: unknown) => log.warn({ err: error }, 'pruning failed; it is tried again in a minute'),
    );
  });
  return () => timer.cancel();
}

/** If a process stopped while it deleted a namespace, the namespace is half empty and closed for writes. */
function finishDeletions(registry: Registry, log: Logger): void {
  for (const { name, ending } of [...allNamespaces(registry.state)]) {
    if (ending !== true) continue;
    registry.submit({ kind: 'namespace-delete', name }).catch((err: unknown) => {
      log.warn({ err, namespace: name }, 'the deletion of a namespace could not be completed; the next start tries it again');
    });
  }
}

function isWorthPruning({ state }: Registry): boolean {
  return state.forgettable > forgettableMax || state.lapsing.size > delaysMax;
}

async function prune(registry: Registry, clock: Clock): Promise<number> {
  const keys = await inTurns(findPrunable(registry.state, clock.now()));
  await registry.submit({ kind: 'prune', keys });
  return keys.length;
}
