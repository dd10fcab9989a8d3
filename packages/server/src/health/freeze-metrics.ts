/** Shows in the metrics whether expiry is frozen, until when, and the nodes, services and principals that have lost most. */

import type { Metrics } from '../telemetry/metrics.ts';
import type { FreezeStatus } from './expiry.ts';

export function showFreeze({ frozen, untilMs = 0, causes }: FreezeStatus, metrics: Metrics): void {
  const { expiryFrozen, expiryFrozenUntil, expiryLossShare } = metrics;
  expiryFrozen.set(Number(frozen));
  expiryFrozenUntil.set(untilMs / 1_000);
  expiryLossShare.reset();
  for (const [by, all] of [['node', causes?.nodes], ['service', causes?.services], ['principal', causes?.principals]] as const) {
    for (const { name, share } of all ?? []) expiryLossShare.set({ by, name }, share);
  }
}
