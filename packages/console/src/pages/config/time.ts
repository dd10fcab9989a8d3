/** Times of configurations: how long ago something was done, and lengths as stages have them. Pure. */

import { spanOf } from '../../live/time.ts';

export function ago(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1_000 ? 'just now' : `${spanOf(nowMs - atMs)} ago`;
}

/** Milliseconds of `10m`, `90s`, `2h`, `1d`; undefined for another text. */
export function milliseconds(text: string): number | undefined {
  const found = /^\s*(\d{1,9}(?:\.\d+)?)\s*(ms|s|m|min|h|d)\s*$/.exec(text);
  if (found === null) return undefined;
  const sizes: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  return Number(found[1]) * (sizes[found[2] ?? ''] ?? 0);
}
