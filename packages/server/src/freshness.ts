/** The effects of stale state on the server: readiness, metrics and the log. */

import type { Logger } from 'pino';
import type { Replica } from './replica.ts';
import type { Freshness } from './replica/follower.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** The reason why the server should get no requests; undefined when it may. */
export function notReady(serving: { readonly ready: boolean }, { freshness }: Replica): string | undefined {
  if (!serving.ready) return 'the registry is starting or shutting down';
  if (!freshness.stale) return undefined;
  return `the registry shows what it knew at ${new Date(freshness.sinceMs).toISOString()}: ${freshness.reason}`;
}

/** Reports to metrics and the log when the state stops following the store, and when it follows it again. */
export function tellFreshness(metrics: Metrics, log: Logger): (freshness: Freshness) => void {
  return (freshness) => {
    metrics.stale.set(Number(freshness.stale));
    if (!freshness.stale) log.warn('the state follows the store again');
    else {
      metrics.feedLosses.inc();
      log.error({ reason: freshness.reason }, 'the state no longer follows the store: reads are answered from what is known, until it can be followed again');
    }
  };
}
