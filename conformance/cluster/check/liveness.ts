/**
 * Whether the views of healthy nodes showed who lives: an instance that was well is in every view from its registration to its
 * end, and one that died is gone within its bound. Times are milliseconds of one monotonic clock.
 */

export interface Life {
  readonly instance: string;
  /** From here on every view must show it. */
  readonly visibleFrom: number;
  /** When it was killed, left, or stopped being well; `Infinity` when it was well to the end. */
  readonly wellUntil: number;
  /** From here on no view may show it. */
  readonly goneBy: number;
}

/** What a node showed to one request, or told a watcher. */
export interface Sight {
  readonly node: string;
  /** When it was asked; the same as `told` for what a watcher was told. */
  readonly asked: number;
  readonly told: number;
  /** Instances that pass. */
  readonly passing: ReadonlySet<string>;
  /** Whether the node said that this may be old. Then only missing instances count. */
  readonly stale: boolean;
}

/** Breaches, one sentence each; of one instance on one node only the first of each kind. */
export function checkLiveness(lives: readonly Life[], sights: readonly Sight[]): string[] {
  const breaks = new Map<string, string>();
  const note = (key: string, text: string): void => {
    if (!breaks.has(key)) breaks.set(key, text);
  };
  for (const { node, asked, told, passing, stale } of sights) {
    for (const { instance, visibleFrom, wellUntil, goneBy } of lives) {
      const shown = passing.has(instance);
      if (!shown && asked >= visibleFrom && told < wellUntil) {
        note(`missing ${instance} ${node}`, `instance ${instance} is well and missing from node ${node} at ${told.toFixed(0)} ms (to be seen from ${visibleFrom.toFixed(0)} ms)`);
      }
      if (shown && !stale && asked > goneBy) {
        note(`shown ${instance} ${node}`, `instance ${instance} ended at ${wellUntil.toFixed(0)} ms and node ${node} shows it at ${asked.toFixed(0)} ms (bound ${goneBy.toFixed(0)} ms)`);
      }
    }
  }
  return [...breaks.values()];
}
