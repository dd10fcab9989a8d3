/** How `rollcall top` says a line: its columns, with the tone of each cell. Pure. */

import type { Cell, Tone } from '../table.ts';
import type { Row } from './rows.ts';

export const heads = ['SERVICE', 'INSTANCES', 'PASSING', 'OTHER', 'WATCHERS', 'PICKS/S', 'FAILURES/S', 'MEAN', 'P99'] as const;

/** Statuses beside passing, the worst first. */
const others = ['critical', 'maintenance', 'draining', 'starting', 'warning'] as const;

export function cellsOf(row: Row): Cell[] {
  const { service, instances, passing, watchers, picksPerSecond, failuresPerSecond, meanMs, p99Ms } = row;
  const plain = (text: string): Cell => ({ text, tone: 'plain' });
  const isFailing = failuresPerSecond > 0 && failuresPerSecond >= picksPerSecond / 100;
  const passingTone: Tone = passing === instances ? 'good' : passing === 0 ? 'bad' : 'poor';
  return [
    plain(service),
    plain(String(instances)),
    { text: String(passing), tone: instances === 0 ? 'plain' : passingTone },
    { text: others.flatMap((status) => (row[status] === 0 ? [] : [`${row[status]} ${status}`])).join(', '), tone: row.critical + row.maintenance > 0 ? 'bad' : 'poor' },
    plain(watchers === 0 ? '' : String(watchers)),
    plain(rate(picksPerSecond)),
    { text: rate(failuresPerSecond), tone: isFailing ? 'bad' : 'plain' },
    plain(milliseconds(meanMs)),
    plain(milliseconds(p99Ms)),
  ];
}

/** Three digits; empty for none. */
function rate(value: number): string {
  return value === 0 ? '' : value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return '';
  return ms >= 1_000 ? `${rate(ms / 1_000)} s` : `${rate(ms) || '0'} ms`;
}
