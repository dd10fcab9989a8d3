/**
 * The difference of two texts, line by line: the lines that both have in the longest common order stay, the others are removed or added.
 * Texts with very many different lines are compared as a whole, so that a diff takes milliseconds. A newline at the end of a text is the end
 * of its last line and not another line.
 */

import type { DiffLine } from '@rollcall/protocol';

/** Largest table that is filled: about 5 ms. */
const cellsMax = 1_000_000;

export function diffLines(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [linesOf(before, after), linesOf(after, before)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const middle = left.length * right.length > cellsMax ? [...lines('removed', left), ...lines('added', right)] : byCommonLines(left, right);
  return [...lines('same', a.slice(0, start)), ...middle, ...lines('same', a.slice(a.length - end))];
}

/** Marks a last line that lacks its end; no line has this character. */
const unended = '\n';

function linesOf(text: string, other: string): readonly string[] {
  if (text === '') return [];
  if (text.endsWith('\n')) return text.slice(0, -1).split('\n');
  const found = text.split('\n');
  return other.endsWith('\n') ? [...found.slice(0, -1), `${found.at(-1)}${unended}`] : found;
}

function line(change: DiffLine['change'], text: string): DiffLine {
  return text.endsWith(unended) ? { change, text: text.slice(0, -unended.length), unended: true } : { change, text };
}

function lines(change: DiffLine['change'], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => line(change, text));
}

/** Wagner and Fischer: the longest common subsequence, by a table of lengths from the end. */
function byCommonLines(a: readonly string[], b: readonly string[]): DiffLine[] {
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const [below, right] = [length[(i + 1) * width + j] as number, length[i * width + j + 1] as number];
      length[i * width + j] = a[i] === b[j] ? (length[(i + 1) * width + j + 1] as number) + 1 : Math.max(below, right);
    }
  }
  const made: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      made.push(line('same', a[i++] as string));
      j++;
    } else if (i < a.length && (j === b.length || (length[(i + 1) * width + j] as number) >= (length[i * width + j + 1] as number))) {
      made.push(line('removed', a[i++] as string));
    } else made.push(line('added', b[j++] as string));
  }
  return made;
}
