/**
 * One picture of `rollcall top`: what is shown, as lines of the terminal's width. Pure: the same state gives the same lines, and nothing is longer than
 * the terminal is wide.
 */

import { visible, type Colors } from '../terminal.ts';
import type { Cell } from '../table.ts';
import { cellsOf, heads } from './cells.ts';
import { sorted, type Row, type Sorting } from './rows.ts';

export interface Shown {
  readonly rows: readonly Row[];
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
  readonly registry: string;
  readonly namespace: string;
  readonly sorting: Sorting;
  readonly filter: string;
  /** The filter is being typed. */
  readonly isTyping: boolean;
  readonly isPaused: boolean;
  /** Lines that are scrolled away. */
  readonly offset: number;
  /** Why what is shown is old, and for how many seconds; undefined while it is not. */
  readonly stale: { readonly seconds: number; readonly reason: string } | undefined;
}

export interface Size {
  readonly columns: number;
  readonly lines: number;
}

/** Lines that are not services. */
export const chrome = 4;

export const keys = 'q quit · n name · t trouble · i instances · p picks · f failures · l p99 · / filter · space pause · j k scroll';

/** @returns as many lines as the terminal has, at most */
export function frame(shown: Shown, { columns, lines }: Size, colors: Colors): string[] {
  const rows = filtered(shown.rows, shown.filter);
  const count = Math.max(1, lines - chrome);
  const offset = Math.min(shown.offset, Math.max(0, rows.length - count));
  const page = sorted(rows, shown.sorting).slice(offset, offset + count).map(cellsOf);
  const widths = heads.map((head, at) => Math.max(head.length, ...page.map((cells) => visible(cells[at]?.text ?? '').length)));
  const cut = (text: string) => text.slice(0, columns);
  return [
    colors.bold(cut(title(shown, rows.length))),
    shown.stale === undefined ? cut(note(shown)) : colors.yellow(cut(`stale ${shown.stale.seconds} s: ${visible(shown.stale.reason)}`)),
    colors.dim(line(heads.map((text) => ({ text, tone: 'plain' })), widths, columns, colors)),
    ...page.map((cells) => line(cells, widths, columns, colors)),
    ...Array.from({ length: Math.max(0, count - page.length) }, () => ''),
    shown.isTyping ? cut(`/${visible(shown.filter)}█`) : colors.dim(cut(keys)),
  ].slice(0, lines);
}

export function filtered(rows: readonly Row[], filter: string): readonly Row[] {
  const text = filter.toLowerCase();
  return text === '' ? rows : rows.filter(({ service }) => service.toLowerCase().includes(text));
}

function title({ rows, registry, namespace, sorting, filter, isPaused }: Shown, count: number): string {
  const picks = rows.reduce((sum, { picksPerSecond }) => sum + picksPerSecond, 0);
  const failures = rows.reduce((sum, { failuresPerSecond }) => sum + failuresPerSecond, 0);
  const words = [`${count} of ${rows.length} services`, `by ${sorting}`, `${picks.toFixed(1)} picks/s`, `${failures.toFixed(1)} failures/s`];
  const where = namespace === 'default' ? '' : ` ${namespace}`;
  return `rollcall top ${registry}${where} · ${words.join(' · ')}${filter === '' ? '' : ` · filter ${visible(filter)}`}${isPaused ? ' · paused' : ''}`;
}

function note({ missing, rows }: Shown): string {
  if (missing.length > 0) return `not answered: ${missing.map(visible).join(', ')}; their clients are left out`;
  return rows.length === 0 ? 'no services are registered' : '';
}

/** Names are cut with the line; figures stand at the right of their column. */
function line(cells: readonly Cell[], widths: readonly number[], columns: number, colors: Colors): string {
  const paint = { good: colors.green, poor: colors.yellow, bad: colors.red, plain: String };
  let left = columns;
  let text = '';
  cells.forEach((cell, at) => {
    const width = widths[at] ?? 0;
    const isText = at === 0 || at === 3;
    const plain = visible(cell.text);
    const padded = (isText ? plain.padEnd(width) : plain.padStart(width)).concat('  ').slice(0, Math.max(0, left));
    left -= padded.length;
    if (padded !== '') text += paint[cell.tone](padded);
  });
  return text;
}
