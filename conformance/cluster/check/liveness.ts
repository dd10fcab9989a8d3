/**
 * Whether the views of healthy nodes showed who lives: an instance that was well is in every view from its registration to its
 * end, and one that died is gone within its bound. Times are milliseconds of one monotonic clock.
 */

export interface Life {
  readonly instance: string;
  /** When its registration was acknowledged. */
  readonly from: number;
  /** When it was killed, left or stopped being well; `Infinity` when it was well to the end. */
  readonly to: number;
  /** Longest that it may be shown after `to`, in milliseconds. */
  readonly goneWithinMs: number;
}

/** What a node showed at one time. */
export interface Sight {
  readonly node: string;
  readonly at: number;
  /** Instances that pass. */
  readonly passing: ReadonlySet<string>;
  /** Whether the node said that this may be old. Then only missing instances count. */
  readonly stale: boolean;
}

export interface LivenessOptions {
  /** Longest from an acknowledged registration to its being visible on every node, in milliseconds. */
  readonly visibleWithinMs: number;
}

/** Breaches, one sentence each; of one instance missing from one node only the first. */
export function checkLiveness(lives: readonly Life[], sights: readonly Sight[], { visibleWithinMs }: LivenessOptions): string[] {
  const breaks = new Map<string, string>();
  for (const { node, at, passing, stale } of sights) {
    for (const { instance, from, to, goneWithinMs } of lives) {
      const shown = passing.has(instance);
      if (!shown && at >= from + visibleWithinMs && at < to) {
        note(breaks, `missing ${instance} ${node}`, `instance ${instance} is well and missing from node ${node} at ${at.toFixed(0)} ms (registered at ${from.toFixed(0)} ms)`);
      }
      if (shown && !stale && at > to + goneWithinMs) {
        note(breaks, `shown ${instance} ${node}`, `instance ${instance} ended at ${to.toFixed(0)} ms and node ${node} shows it at ${at.toFixed(0)} ms (bound ${goneWithinMs} ms)`);
      }
    }
  }
  return [...breaks.values()];
}

function note(breaks: Map<string, string>, key: string, text: string): void {
  if (!breaks.has(key)) breaks.set(key, text);
}
