/** The number of workers of `rollcall serve`. */

import { availableParallelism } from 'node:os';
import { usage } from '../failure.ts';
import { storeOf } from '../settings/engine.ts';
import type { Settings } from '../settings/table.ts';

/** By default: one core for the log, one for each worker, four in all. Machines with two cores serve faster from one process. */
function coresForWorkers(cores: number): number {
  return cores > 2 ? Math.min(cores, 4) - 1 : 0;
}

/**
 * @param cores that this process may use
 * @throws CommandFailure `usage` when workers are asked for but not possible
 */
export function workersOf(settings: Settings, cores = availableParallelism()): number {
  const hindrance = hindranceOf(settings);
  // A registry in memory is for experiments.
  if (settings.workers === undefined) return hindrance !== undefined || storeOf(settings).kind === 'memory' ? 0 : coresForWorkers(cores);
  if (settings.workers > 0 && hindrance !== undefined) throw usage(`workers: ${hindrance}`);
  return settings.workers;
}

/** The reason why this server must be one process; undefined when it may have workers. */
function hindranceOf(settings: Settings): string | undefined {
  const { kind } = storeOf(settings);
  if (kind !== 'etcd' && kind !== 'node') return undefined;
  return (
    `with the engine ${kind} each process is a node, which the other nodes reach at an address of its own, and workers share one; ` +
    'leave workers out, and start another rollcall serve with another --http and --node-name for each core'
  );
}
