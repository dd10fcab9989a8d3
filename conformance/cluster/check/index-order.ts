/** Checks that the revisions of one view never go back for one client, over all nodes that it uses. */

export interface IndexSeen {
  readonly client: string;
  /** The request: a path, or a view. */
  readonly view: string;
  readonly node: string;
  readonly index: number;
}

/**
 * Breaches, one sentence each.
 * @param seen in the order in which each client got its answers
 */
export function checkIndexes(seen: readonly IndexSeen[]): string[] {
  const last = new Map<string, IndexSeen>();
  const breaks: string[] = [];
  for (const each of seen) {
    const key = `${each.client}\0${each.view}`;
    const before = last.get(key);
    if (before !== undefined && each.index < before.index) {
      breaks.push(`client ${each.client} was told index ${before.index} of ${each.view} by node ${before.node}, and ${each.index} by node ${each.node} after it`);
    }
    last.set(key, each);
  }
  return breaks;
}
