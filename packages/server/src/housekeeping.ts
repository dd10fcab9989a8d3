/**
 * Housekeeping: once a minute, forgets what the registry keeps only so that revisions do not go
 * back, when there is too much of it. Decides when; `registry/prune.ts` decides what.
 */

import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Wheel } from './health/wheel.ts';
import { prunable } from './registry/prune.ts';
import type { Registry } from './registry/registry.ts';

const everyMs = 60_000;

/** Kept tombstones and empty markers: about 20 MB. Each prune halves them. */
const gravesMax = 65_536;
const delaysMax = 1_024;

/** @returns stops it */
export function keepHouse(registry: Registry, wheel: Wheel, clock: Clock, log: Logger): () => void {
  const timer = wheel.schedule(everyMs, () => {
    timer.renew(everyMs);
    const { state } = registry;
    if (state.graves <= gravesMax && state.delays.size <= delaysMax) return;
    const keys = prunable(state, clock.now());
    registry.submit({ kind: 'prune', keys }).then(
      () => log.info({ pruned: keys.length }, 'forgot old tombstones and lapsed lock delays'),
      (error: unknown) => log.warn({ err: error }, 'pruning failed; it is tried again in a minute'),
    );
  });
  return () => timer.cancel();
}
