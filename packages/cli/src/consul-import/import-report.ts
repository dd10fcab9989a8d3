/** What an import did: how much of each kind it copied, and what it did not, with the reason. */

export const kinds = [
  ...['nodes', 'services', 'checks', 'keys', 'policies', 'roles', 'tokens', 'auth methods', 'binding rules'],
  'prepared queries',
] as const;
export type Kind = (typeof kinds)[number];

export interface LeftOut {
  readonly kind: Kind | 'access control';
  /** Of one thing; absent when it is about all of a kind. */
  readonly name?: string;
  readonly reason: string;
}

export class ImportReport {
  readonly copied = new Map<Kind, number>(kinds.map((kind) => [kind, 0]));
  /** What was there already and was left alone. */
  readonly kept = new Map<Kind, number>();
  /** What could not be copied: the import is not complete. */
  readonly failed: LeftOut[] = [];
  /** What is not to be copied. */
  readonly skipped: LeftOut[] = [];

  count(kind: Kind): void {
    this.copied.set(kind, (this.copied.get(kind) ?? 0) + 1);
  }

  get json(): object {
    return { copied: Object.fromEntries(this.copied), kept: Object.fromEntries(this.kept), failed: this.failed, skipped: this.skipped };
  }
}
