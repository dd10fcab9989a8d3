/** One import: its source, its target and its report. An entry that cannot be copied does not end it. */

import { ConsulApi, Refusal, type Fields } from './consul-api.ts';
import { ImportReport, type Kind } from './import-report.ts';

/** Thrown for an entry that the import must not copy, with the reason. */
export class Unwanted extends Error {}

export class ImportRun {
  readonly from: ConsulApi;
  readonly to: ConsulApi;
  readonly report = new ImportReport();
  readonly #dryRun: boolean;

  constructor({ from, to, dryRun }: { from: ConsulApi; to: ConsulApi; dryRun: boolean }) {
    this.from = from;
    this.to = to;
    this.#dryRun = dryRun;
  }

  /** Sends a write, unless this is a dry run. @returns the body */
  async write(method: string, path: string, body: Fields | Uint8Array): Promise<string> {
    if (this.#dryRun) return '';
    return this.to.text(method, path, body instanceof Uint8Array ? body : JSON.stringify(body));
  }

  /** Copies one entry and counts it. @returns false when either side refused it; the refusal is reported */
  async copy(kind: Kind, name: string, work: () => Promise<unknown>): Promise<boolean> {
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
  keep(kind: Kind): void {
    this.report.kept.set(kind, (this.report.kept.get(kind) ?? 0) + 1);
  }

  skip(kind: Kind, name: string, reason: string): void {
    this.report.skipped.push({ kind, name, reason });
  }
}
