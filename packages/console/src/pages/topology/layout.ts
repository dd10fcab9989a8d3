/**
 * Where the services of a topology stand: callers on the left, what they call to the right of them, in columns. A thing that has a place keeps it
 * while the graph changes, so a drawing never jumps under the pointer. Pure and deterministic.
 */

export interface Arrow {
  readonly from: string;
  readonly to: string;
}

export interface Spot {
  readonly column: number;
  readonly row: number;
}

/** Longest path that is looked for: rings of calls have no end. */
const columnsMax = 12;

/** @param known places from before; those of things that are gone become free */
export function placed(names: readonly string[], arrows: readonly Arrow[], known: ReadonlyMap<string, Spot>): Map<string, Spot> {
  const spots = new Map<string, Spot>();
  const taken = new Set<string>();
  const put = (name: string, spot: Spot): void => {
    spots.set(name, spot);
    taken.add(`${spot.column} ${spot.row}`);
  };
  for (const name of names) {
    const spot = known.get(name);
    if (spot !== undefined) put(name, spot);
  }
  const columns = columnsOf(names, arrows);
  for (const name of names.toSorted()) {
    if (spots.has(name)) continue;
    const column = columns.get(name) ?? 0;
    let row = 0;
    while (taken.has(`${column} ${row}`)) row++;
    put(name, { column, row });
  }
  return spots;
}

/** The length of the longest way to each thing that does not go round in a ring. */
function columnsOf(names: readonly string[], arrows: readonly Arrow[]): ReadonlyMap<string, number> {
  const forward = withoutRings(names, arrows);
  const columns = new Map(names.map((name) => [name, 0]));
  for (let round = 0; round < columnsMax; round++) {
    let hasMoved = false;
    for (const { from, to } of forward) {
      const column = Math.min(columnsMax, (columns.get(from) ?? 0) + 1);
      if (column <= (columns.get(to) ?? 0)) continue;
      columns.set(to, column);
      hasMoved = true;
    }
    if (!hasMoved) break;
  }
  return columns;
}

/** Leaves out each arrow that leads back to where a search in depth came from. */
function withoutRings(names: readonly string[], arrows: readonly Arrow[]): readonly Arrow[] {
  const outgoing = new Map<string, string[]>();
  for (const { from, to } of arrows) outgoing.set(from, [...(outgoing.get(from) ?? []), to]);
  const entered = new Set(arrows.map(({ to }) => to));
  const done = new Set<string>();
  const forward: Arrow[] = [];
  // Callers that are called by no other come first, so that a ring is cut where it is entered.
  const starts = [...names.filter((name) => !entered.has(name)), ...names];
  for (const start of starts) {
    const open = new Set<string>();
    const stack: { readonly name: string; next: number }[] = [];
    const enter = (name: string): void => {
      done.add(name);
      open.add(name);
      stack.push({ name, next: 0 });
    };
    if (!done.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const to = outgoing.get(top.name)?.[top.next++];
      if (to === undefined) {
        open.delete(top.name);
        stack.pop();
      } else if (!open.has(to)) {
        forward.push({ from: top.name, to });
        if (!done.has(to)) enter(to);
      }
    }
  }
  return forward;
}
