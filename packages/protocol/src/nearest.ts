/** Finds the known word that is most similar to an unknown one, for "did you mean". */

/**
 * @returns the candidate with the fewest edits, if it is closer than half of its own length;
 *   upper and lower case, dashes and underscores make no difference
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Infinity;
  for (const candidate of candidates) {
    const edits = distance(plain(word), plain(candidate));
    if (edits < fewest && edits * 2 < candidate.length) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

function plain(word: string): string {
  // Cut at 100 characters, more than any key has: long words would take long to compare.
  return word.slice(0, 100).toLowerCase().replace(/[-_]/g, '');
}

/**
 * Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
 * O(n·m). Source: https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance
 */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(
        (above[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (above[column - 1] as number) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (before[column - 2] as number) + 1);
      }
      current.push(least);
    }
    before = above;
    above = current;
  }
  return above[b.length] as number;
}
