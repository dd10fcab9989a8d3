/** What this process says of itself, to operators and to the other nodes of its store. */

import type { ShownCertificate } from '@rollcall/protocol';
import type { OwnFacts } from './all-facts.ts';
import type { Core } from './core.ts';
import { notReady } from './freshness.ts';
import type { ProcessStatus } from './frontend/admin/deps.ts';
import type { ServerOptions } from './server-options.ts';

/** What changes while the server starts and stops. */
export interface Serving {
  ready: boolean;
  /** Known once the listeners are open. */
  certificates: () => readonly ShownCertificate[];
}

export function statusOf({ replica, liveness }: Core, serving: Serving, { worker }: ServerOptions): ProcessStatus {
  const reason = notReady(serving, replica);
  return {
    ...{ process: worker === undefined ? 'primary' : `worker ${worker.number}`, pid: process.pid, ready: reason === undefined },
    ...(reason === undefined ? {} : { reason }),
    ...{ revision: replica.state.revision, liveness: liveness.status() },
  };
}

export function factsOf(core: Core, serving: Serving, options: ServerOptions): OwnFacts {
  const { replica, liveness, clock } = core;
  const { revisions, seconds } = replica.lag;
  return {
    ...statusOf(core, serving, options),
    // A time that moves with each question would be news each time.
    startedMs: Math.round((clock.now() - process.uptime() * 1_000) / 1_000) * 1_000,
    lag: { revisions, seconds: Math.round(seconds) },
    watched: liveness.watched(),
    memoryMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    certificates: serving.certificates(),
  };
}
