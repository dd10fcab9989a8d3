/** The lines that the page shows: the newest ones, which come every second, and older ones, which the operator asks for. Pure. */

import type { ActivityAnswer, ActivityLine } from '@rollcall/protocol';

/** What is known: without a gap, the newest first. */
export interface Known {
  readonly lines: readonly ActivityLine[];
  /** Of the next older page; undefined when there is none. */
  readonly cursor: string | undefined;
  readonly backToMs: number | undefined;
}

/** Lines that a page which stays open keeps. */
export const linesMax = 5_000;

/** Joins a new page of the newest lines to those that are known; lines that have not changed are the same objects. */
export function withNewest(known: Known | undefined, page: ActivityAnswer): Known {
  const before = new Map(known?.lines.map((line) => [keyOf(line), line]));
  const newest = page.lines.map((line) => kept(before.get(keyOf(line)), line));
  const meets = newest.some((line) => before.has(keyOf(line)));
  // After a pause there may be lines between the two that nothing has shown.
  if (known === undefined || (!meets && page.cursor !== undefined)) return { lines: newest, cursor: page.cursor, backToMs: page.backToMs };
  const fresh = new Set(newest.map(keyOf));
  const lines = [...newest, ...known.lines.filter((line) => !fresh.has(keyOf(line)))];
  // The cursor lies behind what is cut off, so the way to older lines begins again at a reload.
  return lines.length > linesMax ? { lines: lines.slice(0, linesMax), cursor: undefined, backToMs: known.backToMs } : { ...known, lines };
}

/** Adds a page of older lines. */
export function withOlder(known: Known, page: ActivityAnswer): Known {
  return { lines: [...known.lines, ...page.lines], cursor: known.lines.length + page.lines.length > linesMax ? undefined : page.cursor, backToMs: page.backToMs };
}

export function keyOf({ node, seq }: ActivityLine): string {
  return `${node} ${seq}`;
}

function kept(before: ActivityLine | undefined, line: ActivityLine): ActivityLine {
  return before !== undefined && before.person === line.person ? before : line;
}
