/**
 * The difference of two texts, line by line: the lines that both have in the longest common order stay, the others are removed or added.
 * Texts with very many different lines are compared as a whole, so that a diff takes milliseconds.
 */

export interface DiffLine {
  readonly change: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Largest table that is filled: about 5 ms. */
const cellsMax = 1_000_000;

export function diffLines(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const middle = left.length * right.length > cellsMax ? [...lines('removed', left), ...lines('added', right)] : byCommonLines(left, right);
  return [...lines('same', a.slice(0, start)), ...middle, ...lines('same', a.slice(a.length - end))];
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}

function lines(change: DiffLine['change'], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => ({ change, text }));
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
      made.push({ change: 'same', text: a[i++] as string });
      j++;
    } else if (i < a.length && (j === b.length || (length[(i + 1) * width + j] as number) >= (length[i * width + j + 1] as number))) {
      made.push({ change: 'removed', text: a[i++] as string });
    } else made.push({ change: 'added', text: b[j++] as string });
  }
  return made;
}
