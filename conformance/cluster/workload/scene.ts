/** The input of every part of a workload: the nodes, the history, and a pace that follows from the seed alone. */

import type { History } from '../history.ts';
import type { Random } from '../seeded.ts';
import type { Entry } from './caller.ts';

export interface ZooKeeperEntry {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

export interface Scene {
  readonly history: History;
  /** URLs of the nodes for clients; these links may fail. */
  readonly entries: readonly Entry[];
  /** URLs of the nodes for instances; these links fail only with the node. */
  readonly homes: readonly Entry[];
  /** Where the nodes answer ZooKeeper's clients; these links may fail. */
  readonly zookeepers: readonly ZooKeeperEntry[];
  /** URLs of the nodes for observers, without a proxy. */
  readonly direct: readonly Entry[];
  /** Aborts when the workload must end. */
  readonly signal: AbortSignal;
  /** How long the workload runs, in milliseconds. */
  readonly runMs: number;
}

/** The tick of all nodes for ZooKeeper's sessions, which last two of them at least, in milliseconds. */
export const zookeeperTickMs = 500;

/**
 * Moments of a client, planned ahead: each comes a random time after the one before, independent of answers. A client that is
 * late uses the next one at once.
 * @param meanMs mean time between two moments, in milliseconds
 */
export async function* moments(scene: Scene, random: Random, meanMs: number): AsyncGenerator<number> {
  for (let at = random.next() * meanMs; at < scene.runMs && !scene.signal.aborted; at += meanMs * (0.5 + random.next())) {
    await sleep(at - scene.history.now(), scene.signal);
    if (scene.signal.aborted) return;
    yield at;
  }
}

/** Resolves after so many milliseconds, or when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0 || signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    // Node would treat a longer wait as 1 ms.
    const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1));
    signal?.addEventListener('abort', end);
  });
}

/** A name that changes with time, so that no key gets more operations than a checker can judge. */
export const epochOf = (at: number, epochMs = 5_000): number => Math.floor(at / epochMs);
