/** Since when no client follows a flag set, in words. Pure. */

import type { ClientsLastFollower } from '@rollcall/protocol';
import { clockOf } from '../../live/time.ts';

/** As far as it is known; empty when it is not. */
export function sinceText(last: ClientsLastFollower | undefined, nowMs: number): string {
  if (last === undefined) return '';
  const { lastMs, sinceMs, knownMs } = last;
  if (lastMs !== undefined && lastMs >= sinceMs) return ` No client since ${clockOf(lastMs, nowMs)}.`;
  const seen = lastMs !== undefined ? `; one was last seen at ${clockOf(lastMs, nowMs)}` : knownMs < sinceMs ? `, and none was seen since ${clockOf(knownMs, nowMs)}` : '';
  return ` No client since at least ${clockOf(sinceMs, nowMs)}${seen}.`;
}
