/** Tells when a new content looks like an accident: empty, or less than half of what it replaces. The publisher must then confirm it. */

export type Loss = 'emptied' | 'halved';

/** @param before the content that readers have now; undefined or blank: there is nothing to lose. O(length of both) */
export function lossOf(before: string | undefined, after: string): Loss | undefined {
  const had = before?.trim().length ?? 0;
  if (had === 0) return undefined;
  const has = after.trim().length;
  if (has === 0) return 'emptied';
  return has * 2 < had ? 'halved' : undefined;
}
