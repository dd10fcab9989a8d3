/**
 * Checks the views of healthy nodes: a healthy instance is in every view from its registration to its end, and a dead one is
 * removed within its bound. Times are milliseconds of one monotonic clock.
 */

export interface Life {
  readonly instance: string;
  /** From here on every view must show it; a node that has shown it must show it from then on. */
  readonly visibleFrom: number;
  /** When it was killed, left, or became unhealthy; `Infinity` when it was healthy to the end. */
  readonly wellUntil: number;
  /** From here on no view may show it. */
  readonly goneBy: number;
}

/** The answer of a node to one request, or its message to a watcher. */
export interface Sight {
  readonly node: string;
  /** When the request was sent; the same as `told` for a message to a watcher. */
  readonly asked: number;
  readonly told: number;
  /** Instances that pass. */
  readonly passing: ReadonlySet<string>;
  /** Whether the node said that this may be old. Then only missing instances count. */
  readonly stale: boolean;
}

/**
 * Breaches, one sentence each; of one instance on one node only the first of each kind.
 * @param sights in the order in which they were told
 */
export function checkLiveness(lives: readonly Life[], sights: readonly Sight[]): string[] {
  const breaks = new Map<string, string>();
  const note = (key: string, text: string): void => {
    if (!breaks.has(key)) breaks.set(key, text);
  };
  const seen = new Map<string, number>();
  for (const { node, asked, told, passing, stale } of sights) {
    for (const { instance, visibleFrom, wellUntil, goneBy } of lives) {
      const shown = passing.has(instance);
      const key = `${instance} ${node}`;
      if (shown && !seen.has(key)) seen.set(key, told);
      const from = Math.min(visibleFrom, seen.get(key) ?? Infinity);
      if (!shown && asked >= from && told < wellUntil) {
        note(`missing ${key}`, `instance ${instance} is well and missing from node ${node} at ${told.toFixed(0)} ms (to be seen from ${from.toFixed(0)} ms)`);
      }
      if (shown && !stale && asked > goneBy) {
        note(`shown ${key}`, `instance ${instance} ended at ${wellUntil.toFixed(0)} ms and node ${node} shows it at ${asked.toFixed(0)} ms (bound ${goneBy.toFixed(0)} ms)`);
      }
    }
  }
  return [...breaks.values()];
}
