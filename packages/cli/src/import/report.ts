/** The report of an import: how many entries of each kind it copied, and which ones it did not, with the reason. */

export interface LeftOut {
  readonly kind: string;
  /** Name of the entry; absent when the line is about a whole kind. */
  readonly name?: string;
  readonly reason: string;
}

/** @typeParam K kinds of entries */
export class ImportReport<K extends string = string> {
  readonly copied: Map<K, number>;
  /** Entries that existed already and were not changed. */
  readonly kept = new Map<K, number>();
  /** Entries that could not be copied: the import is incomplete. */
  readonly failed: LeftOut[] = [];
  /** Entries that an import does not copy. */
  readonly skipped: LeftOut[] = [];

  /** @param kinds in the order in which they are shown */
  constructor(kinds: readonly K[]) {
    this.copied = new Map(kinds.map((kind) => [kind, 0]));
  }

  count(kind: K): void {
    this.copied.set(kind, (this.copied.get(kind) ?? 0) + 1);
  }

  get json(): object {
    return { copied: Object.fromEntries(this.copied), kept: Object.fromEntries(this.kept), failed: this.failed, skipped: this.skipped };
  }
}
