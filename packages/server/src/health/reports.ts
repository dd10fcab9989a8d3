/**
 * Brings the reports of heartbeats and probes into the registry. A changed status is committed at once. A changed output
 * alone is kept here and committed later, so that a check whose output has a timestamp does not write to the log with every
 * heartbeat.
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { CheckRow } from '../registry/kind/catalog/rows.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

/** Longest time for which a changed output is known only here; Consul's `check_update_interval`. */
export const outputDelayMs = 300_000;

/** Outputs committed per turn, and the pause between two turns: 512 a second never crowd out commands. */
const outputsMax = 512;
const turnMs = 1_000;

/** The newest report of one check, and the registry's copy of it. */
export class Report {
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  /** The status in the registry. */
  rowStatus: CheckStatus;
  /** The output in the registry, or the one that a submitted commit will write. */
  rowOutput: string;
  /** The newest output. */
  output: string;
  /** The status submitted last; counts while `committing`. */
  submitted: CheckStatus;
  /** Commits under way. */
  committing = 0;

  constructor(row: CheckRow) {
    this.namespace = row.namespace;
    this.node = row.node;
    this.id = row.id;
    this.rowStatus = row.status;
    this.submitted = row.status;
    this.rowOutput = row.output;
    this.output = row.output;
  }

  /** The status in the registry, or the one that a submitted commit will write. */
  get status(): CheckStatus {
    return this.committing > 0 ? this.submitted : this.rowStatus;
  }
}

export interface ReportsOptions {
  readonly registry: Registry;
  readonly wheel: Wheel;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Reports {
  readonly #options: ReportsOptions;
  /** Outputs to commit, each with its due time on the liveness clock, in this order. */
  readonly #unsaved = new Map<Report, number>();
  readonly #timer: WheelTimer;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#timer = options.wheel.schedule(Infinity, () => this.#saveOutputs());
  }

  /**
   * Takes a report.
   * @returns undefined when the registry says so already, otherwise the commit
   * @throws RegistryError (the promise) as `Registry.submit` does
   */
  tell(report: Report, status: CheckStatus, output: string): Promise<void> | undefined {
    if (status !== report.status) return this.commit(report, status, output);
    if (output !== report.output) this.#later(report, output);
    return undefined;
  }

  /** Commits a status and an output, even if the registry has them already. */
  async commit(report: Report, status: CheckStatus, output: string): Promise<void> {
    const { rowOutput } = report;
    report.submitted = status;
    report.output = output;
    report.rowOutput = output;
    report.committing++;
    this.#unsaved.delete(report);
    const { namespace, node, id } = report;
    try {
      await this.#options.registry.submit({ kind: 'update-checks', updates: [{ namespace, node, id, status, output }] });
    } catch (error) {
      report.rowOutput = rowOutput;
      throw error;
    } finally {
      report.committing--;
    }
  }

  /** Follows the status of the check in the registry after every change. */
  follow(report: Report, row: CheckRow): void {
    report.rowStatus = row.status;
    if (row.output === report.rowOutput) return;
    report.rowOutput = row.output;
    report.output = row.output;
    this.#unsaved.delete(report);
  }

  /** The check was removed. */
  forget(report: Report): void {
    this.#unsaved.delete(report);
  }

  #later(report: Report, output: string): void {
    report.output = output;
    if (output === report.rowOutput) {
      this.#unsaved.delete(report);
      return;
    }
    if (this.#unsaved.has(report)) return;
    if (this.#unsaved.size === 0) this.#timer.renew(outputDelayMs);
    this.#unsaved.set(report, this.#options.clock.monotonic() + outputDelayMs);
  }

  #saveOutputs(): void {
    const now = this.#options.clock.monotonic();
    const due: Report[] = [];
    for (const [report, at] of this.#unsaved) {
      if (at > now || due.length >= outputsMax) break;
      this.#unsaved.delete(report);
      due.push(report);
    }
    if (due.length > 0) void this.#save(due);
    const [next] = this.#unsaved.values();
    if (next !== undefined) this.#timer.renew(Math.max(turnMs, next - now));
  }

  async #save(reports: readonly Report[]): Promise<void> {
    const before = reports.map(({ rowOutput }) => rowOutput);
    const updates = reports.map(({ namespace, node, id, output }) => ({ namespace, node, id, output }));
    for (const report of reports) report.rowOutput = report.output;
    try {
      await this.#options.registry.submit({ kind: 'update-checks', updates });
    } catch (err) {
      this.#options.log.warn({ err, checks: updates.length }, 'outputs of checks could not be committed; they will be tried again');
      reports.forEach((report, index) => {
        report.rowOutput = before[index] ?? '';
        this.#later(report, report.output);
      });
    }
  }
}
