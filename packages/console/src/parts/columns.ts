/**
 * Which columns of a table are shown: not those that are empty in every row, and in a narrow table, whose rows lead to a page with everything, no more
 * than fit. Extras are left out first, then the last ones. Pure.
 */

export interface ColumnWidth<T> {
  /** A width as in a grid: `2fr`, `8rem`, `minmax(8rem, 2fr)`. */
  readonly width: string;
  /** A column that is empty in each row is left out. */
  readonly isEmpty?: (row: T) => boolean;
  /** Left out before all others of a narrow table. */
  readonly isExtra?: boolean;
}

/** A share of the free width begins at so many rem, so that no column shrinks to nothing. */
const shareRem = 6;
/** Between columns and beside them, in rem: as in `style.css`. */
const gapRem = 0.93;
const edgeRem = 2.2;

/** @param rowRem of the table; Infinity: not known yet */
export function columnsFor<C extends ColumnWidth<T>, T>(columns: readonly C[], rows: readonly T[], { rowRem, extraRem }: { readonly rowRem: number; readonly extraRem: number }): C[] {
  const filled = columns.filter(({ isEmpty }) => isEmpty === undefined || rows.some((row) => !isEmpty(row)));
  const shown = [...filled];
  while (shown.length > 1 && widthRem(shown, extraRem) > rowRem) {
    const extra = shown.findLastIndex(({ isExtra }) => isExtra === true);
    shown.splice(extra === -1 ? -1 : extra, 1);
  }
  return shown;
}

/** The least width at which all of them can be read, in rem. */
export function widthRem(columns: readonly ColumnWidth<never>[], extraRem: number): number {
  return columns.reduce((sum, column) => sum + leastRem(column) + gapRem, edgeRem + extraRem - gapRem);
}

/** The tracks of the grid. */
export function tracksOf(columns: readonly ColumnWidth<never>[]): string[] {
  return columns.map(({ width }) => (/^[\d.]+fr$/.test(width) ? `minmax(${shareRem}rem, ${width})` : width));
}

function leastRem({ width }: ColumnWidth<never>): number {
  return Number(/^(?:minmax\()?([\d.]+)rem/.exec(width)?.[1] ?? shareRem);
}
