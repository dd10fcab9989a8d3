/** One import: where it reads, where it writes, and how a single thing that cannot be copied is kept from ending it. */

import { ConsulApi, Refusal, type Fields } from './consul-api.ts';
import { ImportReport, type Kind } from './import-report.ts';

/** Says that one thing is not to be copied after all, and why. */
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

  /** Sends a write, unless this is a rehearsal; answers the body. */
  async write(method: string, path: string, body: Fields | Uint8Array): Promise<string> {
    if (this.#dryRun) return '';
    return this.to.text(method, path, body instanceof Uint8Array ? body : JSON.stringify(body));
  }

  /** Copies one thing and counts it; a refusal by either side is reported, and answered with false. */
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

  /** Counts what is left as it is at the target. */
  keep(kind: Kind): void {
    this.report.kept.set(kind, (this.report.kept.get(kind) ?? 0) + 1);
  }

  skip(kind: Kind, name: string, reason: string): void {
    this.report.skipped.push({ kind, name, reason });
  }
}
