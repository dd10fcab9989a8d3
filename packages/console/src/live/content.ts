/** The items of a view, from one content to the next. */

export interface Content<T> {
  /** By the key of the item; items that have not changed are the same objects. It changes with the next content, so that a batch costs what it changes. */
  readonly items: ReadonlyMap<string, T>;
  /** Counts the contents of the view. */
  readonly turn: number;
  /** Keys of the items that differ from the content before; undefined: any may. */
  readonly changed: ReadonlySet<string> | undefined;
}
