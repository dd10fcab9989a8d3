/** A difference of two contents for people: removed and added lines, with some lines around them. */

import type { DiffLine } from '@rollcall/protocol';
import { colorsFor, print, visible, type Terminal } from './terminal.ts';

/** Equal lines that are shown before and after a changed one. */
const around = 3;

export function printDiff(terminal: Terminal, lines: readonly DiffLine[]): void {
  const colors = colorsFor(terminal.stdout, terminal.env);
  let shownTo = 0;
  lines.forEach(({ change, text, unended }, at) => {
    const isNear = lines.slice(Math.max(0, at - around), at + around + 1).some((each) => each.change !== 'same');
    if (!isNear) return;
    if (at > shownTo) print(terminal, colors.dim('…'));
    shownTo = at + 1;
    if (change === 'same') print(terminal, `  ${visible(text)}`);
    else if (change === 'removed') print(terminal, colors.red(`- ${visible(text)}`));
    else print(terminal, colors.green(`+ ${visible(text)}`));
    if (unended === true) print(terminal, colors.dim('\\ no newline at the end'));
  });
}
