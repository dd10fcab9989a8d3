/** How pages say what clients do. Pure. */

import type { ClientList, TopologyEdge } from '@rollcall/protocol';
import { shownTime } from '../parts/times.ts';

/** How often instances of a service are chosen, and how fast they answer. */
export type Rates = Pick<TopologyEdge, 'picksPerSecond' | 'failuresPerSecond' | 'meanMs' | 'p99Ms'>;

/** Adds up rates; the slowest p99 counts. */
export function sumOf(all: readonly Rates[]): Rates {
  let picksPerSecond = 0;
  let failuresPerSecond = 0;
  let weighted = 0;
  let timed = 0;
  let p99Ms = 0;
  for (const each of all) {
    picksPerSecond += each.picksPerSecond;
    failuresPerSecond += each.failuresPerSecond;
    p99Ms = Math.max(p99Ms, each.p99Ms ?? 0);
    if (each.meanMs === undefined) continue;
    weighted += each.meanMs * each.picksPerSecond;
    timed += each.picksPerSecond;
  }
  return { picksPerSecond, failuresPerSecond, ...(timed > 0 ? { meanMs: weighted / timed } : {}), ...(p99Ms > 0 ? { p99Ms } : {}) };
}

/** `12.5/s`; an empty text for none. */
export function perSecond(rate: number): string {
  return rate === 0 ? '' : `${short(rate)}/s`;
}

/** `4.2 ms`; an empty text when it is not known. */
export function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '' : ms >= 1_000 ? `${short(ms / 1_000)} s` : `${short(ms)} ms`;
}

/** Three digits. */
function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Nodes whose clients are left out, in words; empty for none. */
export function missingText({ missing = [], unknown = [] }: Partial<Pick<ClientList, 'missing' | 'unknown'>>): string {
  const late = unknown.map(({ node, sinceMs }) => `${node} knows its clients since ${shownTime(sinceMs)}`);
  const all = [...(missing.length === 0 ? [] : [`not answered: ${missing.join(', ')}`]), ...late];
  return all.length === 0 ? '' : `Clients of some nodes are left out: ${all.join('; ')}.`;
}
