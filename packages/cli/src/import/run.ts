/** One import: its source, its target and its report. An entry that cannot be copied does not end it. */

import { Refusal, type Fields, type HttpApi } from './http-api.ts';
import { ImportReport } from './report.ts';

/** Thrown for an entry that the import must not copy, with the reason. */
export class Unwanted extends Error {}

export interface ImportRunOptions<A extends HttpApi, K extends string> {
  readonly from: A;
  readonly to: A;
  readonly dryRun: boolean;
  readonly kinds: readonly K[];
}

/** @typeParam A calls of either side @typeParam K kinds of entries */
export class ImportRun<A extends HttpApi, K extends string> {
  readonly from: A;
  readonly to: A;
  readonly report: ImportReport<K>;
  readonly #dryRun: boolean;

  constructor({ from, to, dryRun, kinds }: ImportRunOptions<A, K>) {
    this.from = from;
    this.to = to;
    this.report = new ImportReport(kinds);
    this.#dryRun = dryRun;
  }

  /** Whether nothing is written. */
  get isDry(): boolean {
    return this.#dryRun;
  }

  /** Sends a write, unless this is a dry run. @returns the body */
  async write(method: string, path: string, body: Fields | Uint8Array | string, headers?: Readonly<Record<string, string>>): Promise<string> {
    if (this.#dryRun) return '';
    return this.to.text(method, path, body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body), headers);
  }

  /** Copies one entry and counts it. @returns false when either side refused it; the refusal is reported */
  async copy(kind: K, name: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      this.report.count(kind);
      return true;
    } catch (error) {
      if (error instanceof Unwanted) this.skip(kind, name, error.message);
      else if (error instanceof Refusal) this.report.failed.push({ kind, name, reason: error.message });
      else throw error;
      return false;
    }
  }

  /** Counts an entry that is not changed at the target. */
  keep(kind: K): void {
    this.report.kept.set(kind, (this.report.kept.get(kind) ?? 0) + 1);
  }

  skip(kind: K, name: string, reason: string): void {
    this.report.skipped.push({ kind, name, reason });
  }
}
