/** The report of an import: how many entries of each kind it copied, and which ones it did not, with the reason. */

export const kinds = [
  ...['nodes', 'services', 'checks', 'keys', 'policies', 'roles', 'tokens', 'auth methods', 'binding rules'],
  'prepared queries',
] as const;
export type Kind = (typeof kinds)[number];

export interface LeftOut {
  readonly kind: Kind | 'access control';
  /** Name of the entry; absent when the line is about a whole kind. */
  readonly name?: string;
  readonly reason: string;
}

export class ImportReport {
  readonly copied = new Map<Kind, number>(kinds.map((kind) => [kind, 0]));
  /** Entries that existed already and were not changed. */
  readonly kept = new Map<Kind, number>();
  /** Entries that could not be copied: the import is incomplete. */
  readonly failed: LeftOut[] = [];
  /** Entries that an import does not copy. */
  readonly skipped: LeftOut[] = [];

  count(kind: Kind): void {
    this.copied.set(kind, (this.copied.get(kind) ?? 0) + 1);
  }

  get json(): object {
    return { copied: Object.fromEntries(this.copied), kept: Object.fromEntries(this.kept), failed: this.failed, skipped: this.skipped };
  }
}
