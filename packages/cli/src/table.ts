/** Tables for people: aligned columns without lines, headings in grey. Programs take `--json`. */

import Table from 'cli-table3';
import { colorsFor, print, visible, type Terminal } from './terminal.ts';

/** Style of a cell besides its text. */
export type Tone = 'good' | 'poor' | 'bad' | 'plain';

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

const noLines = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((place) => [place, '']),
);

export function printTable(terminal: Terminal, head: readonly string[], rows: readonly (readonly (string | Cell)[])[]): void {
  const colors = colorsFor(terminal.stdout, terminal.env);
  const paint = { good: colors.green, poor: colors.yellow, bad: colors.red, plain: String };
  const table = new Table({
    chars: { ...noLines, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(head.map((title) => colors.dim(title)));
  for (const row of rows) {
    table.push(
      row.map((cell) => {
        const { text, tone } = typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell;
        return paint[tone](visible(text));
      }),
    );
  }
  for (const line of table.toString().split('\n')) print(terminal, line.trimEnd());
}
